"""The filter of instances' system calls, run as the kernel would run it."""

import struct

import pytest

from millpond.host.linux import seccomp

ALLOWED, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
X86, I386, ARM = 0xC000003E, 0x40000003, 0xC00000B7


def verdict(machine: str, architecture: int, number: int, *arguments: int) -> int:
    """What a program of loads, jumps and returns says to one call (struct seccomp_data)."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, *arguments, *(0,) * (6 - len(arguments)))
    program = list(struct.iter_unpack("<HBBI", seccomp.filter_program(machine)))
    at, held = 0, 0
    while True:
        code, yes, no, value = program[at]
        at += 1
        if code == 0x20:
            (held,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            at += yes if (held == value if code == 0x15 else held >= value) else no


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", X86), ("aarch64", ARM)])
def test_given_a_call_that_no_instance_makes_then_it_is_refused_and_every_other_is_not(machine: str, architecture: int):
    denied = set(seccomp.denied(machine))
    assert len(denied) >= 24
    for number in range(600):
        assert verdict(machine, architecture, number) == (EPERM if number in denied else ALLOWED)


@pytest.mark.parametrize(
    ("machine", "architecture", "ioctl", "socket"), [("x86_64", X86, 16, 41), ("aarch64", ARM, 29, 198)]
)
def test_given_a_call_that_depends_on_what_it_asks_then_only_that_is_refused(
    machine: str, architecture: int, ioctl: int, socket: int
):
    assert verdict(machine, architecture, ioctl, 0, 0x5412) == EPERM
    assert verdict(machine, architecture, ioctl, 0, 0x541C) == EPERM
    assert verdict(machine, architecture, ioctl, 0, 0x5412 | 1 << 32) == EPERM, "the kernel reads 32 bits of it"
    assert verdict(machine, architecture, ioctl, 0, 0x5413) == ALLOWED
    assert verdict(machine, architecture, socket, 40, 1) == EPERM
    assert verdict(machine, architecture, socket, 2, 1) == ALLOWED


def test_given_a_call_by_another_abi_then_there_is_no_such_call():
    assert verdict("x86_64", I386, 1) == ENOSYS
    assert verdict("x86_64", X86, 0x40000000 | 321) == ENOSYS
    assert verdict("aarch64", X86, 1) == ENOSYS


def test_given_a_machine_that_instances_are_not_made_for_then_there_is_none():
    assert seccomp.filter_program("riscv64") == b""
