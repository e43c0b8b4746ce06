"""The commands inside a chat: ``/model``, ``/provider``, ``/think`` and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from deepseek_v4.cli.conversation import Conversation
from deepseek_v4.cli.options import client_of, read_options
from deepseek_v4.cli.output import note
from deepseek_v4.values.sampling import Effort

OF_A_PROVIDER = ("base_url", "api_key_variable", "provider_options")
"""Options that a change of the provider drops: no other host gets the key."""

HELP = "/help lists the commands, Ctrl-D ends the chat."


@dataclass
class Chat:
    """A conversation and the options of its client, as they were given."""

    given: dict[str, Any]
    conversation: Conversation

    def change(self, **options: Any) -> None:
        """Replace options for the following messages. The messages so far stay.

        Raises:
            ValueError: for an invalid option; then nothing is changed.
        """
        given = {**self.given, **options}
        client = client_of(**given)
        self.close()
        self.given, self.conversation.client = given, client

    def close(self) -> None:
        """Close the connections."""
        self.conversation.client.close()


def run_command(chat: Chat, line: str) -> bool:
    """Run a command.

    Returns:
        False if the chat ends.

    Raises:
        ValueError: if the command does not exist, or its argument is invalid.
    """
    name, _, argument = line[1:].partition(" ")
    if name in ("exit", "quit"):
        return False
    if name not in COMMANDS:
        raise ValueError(f"The command /{name} does not exist. {HELP}")
    COMMANDS[name][0](chat, argument.strip())
    return True


def _model(chat: Chat, model: str) -> None:
    if model:
        chat.change(model=model)
    note(f"Model: {chat.conversation.client.settings.model}")


def _provider(chat: Chat, provider: str) -> None:
    if provider:
        chat.change(provider=provider, **dict.fromkeys(OF_A_PROVIDER))
    note(f"Provider: {chat.conversation.client.settings.provider_name}")


def _think(chat: Chat, level: str) -> None:
    if level in ("on", "off"):
        chat.change(thinking=level == "on", reasoning_effort=None)
    elif level in get_args(Effort):
        chat.change(thinking=None, reasoning_effort=level)
    elif level:
        raise ValueError(f"/think {level} is not supported. Use on, off, {', '.join(get_args(Effort))}.")
    settings = chat.conversation.client.settings
    state = {None: "the provider's default", True: "on", False: "off"}[settings.thinking]
    note(f"Thinking: {settings.reasoning_effort or state}")


def _option(chat: Chat, given: str) -> None:
    chat.change(**read_options([given]))
    note(given)


def _clear(chat: Chat, _: str) -> None:
    messages = chat.conversation.messages
    messages[:] = [message for message in messages if message.role == "system"]
    note("The conversation is empty.")


def _tokens(chat: Chat, _: str) -> None:
    conversation = chat.conversation
    count = conversation.client.count_tokens(tuple(conversation.messages), **conversation.options())
    number, kind = len(conversation.messages), "exact" if count.exact else "estimated"
    note(f"{number} message{'' if number == 1 else 's'}, {count.tokens:,} tokens ({kind})")


def _help(_chat: Chat, _: str) -> None:
    for name, command in COMMANDS.items():
        note(f"/{name:<10}{command[1]}")
    note(f"/{'exit':<10}end the chat, as Ctrl-D")


COMMANDS: dict[str, tuple[Callable[[Chat, str], None], str]] = {
    "model": (_model, "show or change the model: /model deepseek-v4-pro"),
    "provider": (_provider, "show or change the provider: /provider openrouter"),
    "think": (_think, "show or change thinking: /think on, off, low, high, max"),
    "option": (_option, "set any option: /option top_p=0.9"),
    "tokens": (_tokens, "count the tokens of the conversation"),
    "clear": (_clear, "begin a new conversation"),
    "help": (_help, "list the commands"),
}
