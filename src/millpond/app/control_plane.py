"""Build everything, join it, serve until told to stop. Read `run` from top to bottom: it is the start of Millpond."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path

from millpond.app.console_login import ConsoleLogins
from millpond.app.doors import DoorController, Doors
from millpond.app.front import Front
from millpond.app.identity_center import Invitations, PortalOfInstance, UsersOfDirectory
from millpond.app.instances import outfit
from millpond.app.machine import Machine, machine
from millpond.app.names import PublishedNames
from millpond.app.networks import NetworksOfInstallation, tunnels_directory
from millpond.app.operate import Installation, OperatorOfInstallation
from millpond.app.orphans import OrphanController
from millpond.app.people import PeopleOfInstallation
from millpond.app.platform import MachinePlatform
from millpond.app.serving import Certificate, InsideVpcs, served
from millpond.app.sign_in import desk_of, own_names, pages_of
from millpond.app.state import State, open_state
from millpond.app.tunnels import Tunnels
from millpond.app.vpc_services import vpc_services
from millpond.aws.endpoints import ZONE
from millpond.aws.models import Models
from millpond.certificates import CertificateAuthority, server_names
from millpond.config import Config
from millpond.dns.server import DnsServer
from millpond.dns.system_names import NamesError, SystemNames
from millpond.gateway.client import Client
from millpond.gateway.server import Gateway
from millpond.host.linux import LinuxFabric
from millpond.host.linux.api_door import api_endpoint, api_service
from millpond.host.linux.compile import API
from millpond.kernel import log
from millpond.kernel.clock import Clock, SystemClock
from millpond.mail import MailController, MailMisconfiguredError, Senders, configured_senders
from millpond.operation import NotYet
from millpond.operator import door, home
from millpond.operator.facts import RunFacts
from millpond.operator.spec import CannotStart
from millpond.reconcile.loop import Loop
from millpond.services import cloudtrail, ec2, ec2_instance_connect, elasticache, iam, signin, sso, sts
from millpond.services.iam import IamIdentity
from millpond.services.signin import Desk


async def run(
    config: Config, *, ready: Callable[[RunFacts], None], clock: Clock | None = None, here: Machine | None = None
) -> None:
    """Serve an installation until cancelled or told to go down; engines outlive it. `ready` is called once it answers.

    `clock` and `here` are the system's clock and the machine of `--driver` unless given, as tests do. Raises
    CannotStart, in words that name the fix.
    """
    clock = clock or SystemClock()
    installation = _installation_id(config.home)
    async with contextlib.AsyncExitStack() as stack:
        state = await asyncio.to_thread(open_state, config, clock.now())
        stack.callback(state.store.close)
        listener = _listen(config.listen)
        stack.callback(listener.close)
        inside = InsideVpcs()
        services = (*vpc_services(state.store, state.vault, clock), api_service(inside.serve))
        here = here or machine(config, installation, clock, services)
        stack.push_async_callback(here.host.close)
        system = SystemNames(config.hosts_file, installation, home=config.home)
        doors = _doors(config, state, here)
        names = PublishedNames(system, doors)
        dns = await stack.enter_async_context(_dns_server(names, str(here.host.network.network_address + 1)))
        availability = await asyncio.to_thread(system.available)
        with contextlib.suppress(NotYet):
            # Before anybody can be told that a cache is available; what cannot be written now is tried by its keeper.
            await names.publish(await asyncio.to_thread(_every_name, state))
        platform = MachinePlatform(
            zone=ZONE,
            names_resolve=availability.names_resolve,
            enforcement=here.host.enforcement,
            no_instances=here.no_instances,
            engine_versions=here.engine_versions,
            seen=_itself if doors is None else doors.seen,
        )
        stop = Stop()
        loop = Loop([], clock, resync_seconds=config.resync_seconds)
        trail = cloudtrail.Trail(state.store, state.vault)
        stack.callback(trail.close)
        identity = IamIdentity(state.vault)
        senders = _senders(config)
        certificate = _certificate(config, state, listener, clock)
        endpoint = _endpoint(listener, tls=certificate is not None)
        desk = desk_of(
            config,
            state,
            identity=identity,
            clock=clock,
            deliver=loop.deliver,
            trail=trail,
            senders=senders,
            endpoint=endpoint,
            directory=UsersOfDirectory(state.vault),
        )
        groups = _keep(
            loop,
            config=config,
            state=state,
            here=here,
            names=names,
            clock=clock,
            stop=stop,
            desk=desk,
            senders=senders,
            inside=api_endpoint(tls=certificate is not None),
            platform=platform,
        )
        gateway = Gateway(
            services=(
                elasticache.SERVICE,
                ec2.SERVICE,
                ec2_instance_connect.SERVICE,
                iam.SERVICE,
                sts.SERVICE,
                cloudtrail.SERVICE,
                *sso.SERVICES,
                signin.SERVICE,
            ),
            models=Models(),
            store=state.store,
            identity=identity,
            vault=state.vault,
            platform=platform,
            clock=clock,
            deliver=loop.deliver,
            region=config.region,
            recorder=trail,
            names=own_names(config),
        )
        stack.callback(gateway.close)
        client = Client(gateway.call)
        pages = pages_of(
            config,
            desk,
            client=client,
            portal=PortalOfInstance(desk),
            logins=ConsoleLogins(desk, config.region),
        )
        stack.callback(pages.close)
        front = Front(pages=pages, api=gateway)
        inside.begin(front, certificate)
        stack.push_async_callback(inside.close)
        serving = await served(front, (listener,), certificate)
        stack.push_async_callback(serving.close)
        if here.host.enforcement == "kernel" and config.host_access:
            await asyncio.to_thread(_give_the_machine_a_leg, config, state, clock)
        if doors is not None:
            loop.keep(DoorController(doors))
        here.host.watch(lambda process: _process_ended(loop, groups, process))
        keeping = asyncio.create_task(loop.run())
        stack.push_async_callback(_cancelled, keeping)
        if here.refresh is not None:
            looking = asyncio.create_task(asyncio.to_thread(here.refresh))
            stack.push_async_callback(_cancelled, looking)
        tunnels = None if here.dial is None else Tunnels(tunnels_directory(config.home), here.dial)
        if tunnels is not None:
            stack.push_async_callback(tunnels.close)
        operator = OperatorOfInstallation(
            Installation(
                config=config,
                state=state,
                machine=here,
                platform=platform,
                availability=availability,
                names=system,
                dns=dns,
                endpoint=endpoint,
                ca_bundle=str(certificate.authority) if certificate is not None else "",
            ),
            client=client,
            loop=loop,
            clock=clock,
            stop=stop,
            trail=trail,
            people=PeopleOfInstallation(desk),
            networks=NetworksOfInstallation(state.store, state.account, fabric=here.fabric, tunnels=tunnels),
        )
        await stack.enter_async_context(door.opened(operator, config.operator_socket))
        facts = await operator.status()
        home.write_record(config, facts)
        ready(facts)
        await stop.asked.wait()
        if stop.caches:
            await _stop_caches(state, here, loop)
            async with contextlib.AsyncExitStack() as leaving:  # whatever of it fails, the rest is done
                if here.holder is not None:
                    leaving.push_async_callback(asyncio.to_thread, here.holder.end)
                if here.fabric is not None:
                    leaving.push_async_callback(here.fabric.cleanup)
                    leaving.push_async_callback(_stop_instances, state, here)
                    leaving.push_async_callback(_cancelled, keeping)  # nobody may lay networks out again
                leaving.push_async_callback(_withdraw, system)


async def _withdraw(system: SystemNames) -> None:
    """A hosts file that nobody can change keeps its names; that is told, and no reason to stay."""
    try:
        await asyncio.to_thread(system.withdraw)
    except NamesError as error:
        log.get("names").warning("names.stay", error=str(error))


def _keeper_of(process: str) -> tuple[str, str]:
    """Which controller keeps a process, and under which key."""
    instance = ec2.key_of_instance_process(process)
    if instance is not None:
        return ec2.INSTANCE_CONTROLLER, instance
    return elasticache.CONTROLLER, elasticache.key_of_process(process)


def _process_ended(loop: Loop, groups: elasticache.ReplicationGroupController, process: str) -> None:
    """Have its keeper look. A member that played a part is missed at once, whatever else troubles its group."""
    member = groups.member_of_process(process)
    if member is None:
        loop.notice(*_keeper_of(process))
    elif member.missed:
        loop.wake(elasticache.GROUP_CONTROLLER, member.key)
    else:
        loop.notice(elasticache.GROUP_CONTROLLER, member.key)


async def _stop_instances(state: State, here: Machine) -> None:
    """They keep their disks, and are started again with the control plane."""

    def processes() -> frozenset[str]:
        with state.store.read() as transaction:
            return ec2.recorded_instance_processes(transaction)

    if here.instances is not None:
        for name in sorted(await asyncio.to_thread(processes)):
            await here.instances.stop_process(name)


class Stop:
    """How the control plane is told to go down, and whether its caches go with it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.caches = False


def _installation_id(directory: Path) -> str:
    """Sets this installation apart from others on the machine: in the hosts file, in claims of addresses."""
    file = directory / "installation"
    if not file.exists():
        home.replace_private(file, secrets.token_hex(6).encode())
    return file.read_text(encoding="ascii").strip()


def _doors(config: Config, state: State, here: Machine) -> Doors | None:
    """Where this machine can have no leg of its own in a VPC, and is to reach caches nevertheless."""
    if here.holder is None or not isinstance(here.fabric, LinuxFabric) or not config.host_access:
        return None
    return Doors(
        state.store,
        (state.account, config.region),
        holder=here.holder,
        namespace=here.fabric.namespace,
        network=here.host.network,
        directory=config.home,
    )


def _itself(_interface: str, address: str) -> str:
    return address


def _every_name(state: State) -> dict[str, tuple[str, ...]]:
    with state.store.read() as transaction:
        return elasticache.every_name(transaction, ZONE)


def _give_the_machine_a_leg(config: Config, state: State, clock: Clock) -> None:
    """Programs of this machine reach caches as a VPN client would: through an interface of the default group."""
    with state.store.begin() as transaction:
        ec2.machine_interface(transaction, state.account, config.region, clock.now())


def _keep(
    loop: Loop,
    *,
    config: Config,
    state: State,
    here: Machine,
    names: PublishedNames,
    clock: Clock,
    stop: Stop,
    desk: Desk,
    senders: Senders,
    inside: str,
    platform: MachinePlatform,
) -> elasticache.ReplicationGroupController:
    """Give the loop everything that is kept; what keeps groups is told of ends of processes in its own way."""

    def recorded() -> frozenset[str]:
        with state.store.read() as transaction:
            return elasticache.recorded_processes(transaction) | ec2.recorded_instance_processes(transaction)

    def newer(engine: str, version: str) -> str:
        return elasticache.newer_minor(platform, engine, version)

    addressing = (
        elasticache.VpcAddresses() if here.fabric is not None else elasticache.MachineAddresses(here.host.network)
    )
    groups = elasticache.ReplicationGroupController(
        store=state.store,
        vault=state.vault,
        host=here.host,
        engines=here.replicating,
        builds=here.builds,
        names=names,
        addressing=addressing,
        fabric=here.fabric,
        zone=ZONE,
        clock=clock,
        stopping=lambda: stop.caches,
        newer=newer,
        wake=loop.wake,
    )
    loop.keep(
        groups,
        elasticache.CacheClusterController(
            store=state.store,
            vault=state.vault,
            host=here.host,
            engines=here.engines,
            builds=here.builds,
            names=names,
            addressing=addressing,
            fabric=here.fabric,
            zone=ZONE,
            clock=clock,
            stopping=lambda: stop.caches,
            newer=newer,
            wake=loop.wake,
        ),
        OrphanController(here.host, recorded),
        iam.IamUpkeep(state.store, desk.identity, clock),
        cloudtrail.AuditUpkeep(state.store, state.vault, clock),
        MailController(state.store, state.vault, clock, senders),
        signin.SignInUpkeep(state.store, clock),
        Invitations(desk),
        iam.OidcKeys(state.store, clock, iam.HttpsFetch(config.trusted_issuers)),
    )
    if here.fabric is not None:
        loop.keep(ec2.VpcController(store=state.store, fabric=here.fabric))
        if here.instances is not None:
            loop.keep(
                ec2.InstanceController(
                    store=state.store,
                    instances=here.instances,
                    fabric=here.fabric,
                    clock=clock,
                    outfit=lambda region: outfit(here.builds, region, endpoint=inside),
                    wake=loop.wake,
                )
            )
    return groups


def _senders(config: Config) -> Senders:
    try:
        return configured_senders(config)
    except MailMisconfiguredError as error:
        raise CannotStart(str(error)) from error


@contextlib.asynccontextmanager
async def _dns_server(names: PublishedNames, address: str) -> AsyncIterator[DnsServer]:
    """On port 53 of the installation's own address where that is allowed, else on any."""
    server = DnsServer(names.served, origin=ZONE, address=address, port=53)
    try:
        await server.start()
    except OSError:
        server = DnsServer(names.served, origin=ZONE, address=address)
        await server.start()
    try:
        yield server
    finally:
        await server.close()


def _listen(listen: str) -> socket.socket:
    address, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Named, since asyncio turns Nagle off only where it sees that this is TCP: 40 ms an answer otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"The API cannot listen on {listen} ({os.strerror(error.errno or 0)}); choose another: "
            "millpond up --listen 127.0.0.1:0"
        ) from error
    return listener


def _endpoint(listener: socket.socket, *, tls: bool) -> str:
    """The URL for clients on this machine: where it listens on every address, the loopback one."""
    address, port = listener.getsockname()[:2]
    bound = ip_address(address)
    if bound.is_unspecified:
        bound = ip_address("::1" if bound.version == 6 else "127.0.0.1")
    name = f"[{bound}]" if bound.version == 6 else str(bound)
    return f"{'https' if tls else 'http'}://{name}:{port}"


def _certificate(config: Config, state: State, listener: socket.socket, clock: Clock) -> Certificate | None:
    """Beyond loopback the API speaks TLS only: signatures keep secrets secret, not the answers."""
    address = listener.getsockname()[0]
    if ip_address(address).is_loopback:
        return None
    authority = CertificateAuthority.at(config.home / "certificates", state.vault, now=clock.now())
    chain, key = authority.server_certificate((*server_names(address), API), now=clock.now())
    return Certificate(authority=authority.certificate, chain=chain, key=key)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _stop_caches(state: State, here: Machine, loop: Loop, *, patience: float = 60.0) -> None:
    """Wait until every node rests. What does not within the patience is left running, for the next start to find."""

    def everything() -> tuple[list[tuple[str, str]], frozenset[str]]:
        with state.store.read() as transaction:
            return elasticache.recorded_keys(transaction), elasticache.recorded_processes(transaction)

    deadline = asyncio.get_running_loop().time() + patience
    while asyncio.get_running_loop().time() < deadline:
        keys, processes = await asyncio.to_thread(everything)
        states = await here.host.observe(sorted(processes))
        if not any(each.running for each in states.values()):
            return
        loop.deliver(keys)
        await asyncio.sleep(0.05)
