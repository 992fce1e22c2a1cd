"""`offerhub completion`: what a shell reads to complete our commands."""

from typing import Final

import click
from click.shell_completion import get_completion_class

_SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: eval "$(offerhub completion bash)"             in ~/.bashrc
    zsh:  eval "$(offerhub completion zsh)"              in ~/.zshrc
    fish: offerhub completion fish | source              in ~/.config/fish/config.fish
    """  # noqa: D301 - the character \b keeps click from filling these lines
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root().command
    click.echo(found(root, {}, "offerhub", "_OFFERHUB_COMPLETE").source())
