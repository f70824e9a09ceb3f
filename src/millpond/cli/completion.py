"""`millpond completion`: the script that teaches a shell to complete `millpond`."""

import click
from click.shell_completion import get_completion_class

from millpond.cli.failure import Failure


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    r"""Print the completion script of SHELL.

    \b
    bash: millpond completion bash > ~/.local/share/bash-completion/completions/millpond
    zsh:  millpond completion zsh > ~/.zfunc/_millpond   (with ~/.zfunc in fpath)
    fish: millpond completion fish > ~/.config/fish/completions/millpond.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise Failure(f"There is no completion for {shell}.")
    click.echo(found(context.find_root().command, {}, "millpond", "_MILLPOND_COMPLETE").source())
