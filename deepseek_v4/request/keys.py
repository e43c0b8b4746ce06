"""Sources of the API key: an argument, an environment variable, a callable, or the fingerprint in a pickle.

Every kind is a ``SecretStr``, so that the rest of the package only needs ``get_secret_value()``.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import os
import weakref
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from deepseek_v4 import errors

NOT_PICKLED = "<not pickled>"
"""The value, in an unpickled model, of a header that may hold a secret."""

ITERATIONS = 100_000
"""PBKDF2 rounds of a fingerprint.

One fast salted hash would be enough for a provider's key (128 random bits and more), but not for a key that was
chosen by hand for a self-hosted server: a reader of the pickle could run a dictionary attack. It takes about
30 ms, once per key and process.
"""


class EnvironmentKey(SecretStr):
    """A key that was read from an environment variable; a copy of the model for another provider does not use it."""

    def __init__(self, secret: str, variable: str) -> None:
        super().__init__(secret)
        self.variable = variable


class _LateKey(SecretStr):
    """A key whose value is determined when it is needed; comparison and truth value do not use it."""

    def __init__(self) -> None:
        super().__init__("")

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__

    def __hash__(self) -> int:
        return hash(type(self))


class CalledKey(_LateKey):
    """A callable that returns the key. It is called for every HTTP request; its result is never stored here."""

    def __init__(self, function: Callable[[], str | SecretStr]) -> None:
        super().__init__()
        self.function = function

    def get_secret_value(self) -> str:
        """Call the function and return its result.

        Raises:
            AuthenticationError: if the callable raises, or returns an object that is not text.
        """
        try:
            key = self.function()
        except Exception as error:
            raise errors.AuthenticationError(
                f"The api_key callable raised {type(error).__name__}: {error}. Check the callable."
            ) from error
        if isinstance(key, SecretStr):
            return key.get_secret_value().strip()
        if isinstance(key, str):
            return key.strip()
        kind = type(key).__name__
        if inspect.iscoroutine(key):
            key.close()
        del key  # no local of a frame that an error report shows may hold it
        raise errors.AuthenticationError(
            f"The api_key callable returned an object of type {kind}. It must return the key as str, and must not be "
            "async: the same callable serves synchronous and asynchronous calls."
        )


class UnpickledKey(_LateKey):
    """The fingerprint of a key that was given before pickling; the key itself must be in an environment variable.

    Args:
        salt: Random bytes.
        digest: Fingerprint of the key with this salt.
        variable: Environment variable to read; None if the provider has none.
    """

    def __init__(self, salt: bytes, digest: bytes, variable: str | None) -> None:
        super().__init__()
        self.salt = salt
        self.digest = digest
        self.variable = variable
        self._found: SecretStr | None = None

    def expected_in(self, variable: str | None) -> UnpickledKey:
        """Return the same fingerprint for another variable."""
        return self if variable == self.variable else UnpickledKey(self.salt, self.digest, variable)

    def get_secret_value(self) -> str:
        """Read the key from its variable and compare it with the fingerprint, once.

        Raises:
            AuthenticationError: if the variable is not set, or contains another key than the model was created with.
        """
        if self._found is None:
            self._found = self._checked(key_from_environment(self.variable))
        return self._found.get_secret_value()

    def _checked(self, key: SecretStr | None) -> SecretStr:
        advice = f"Set {self.variable} in this process (Ray: runtime_env)" if self.variable else "Set api_key_variable"
        if key is None:
            raise errors.AuthenticationError(
                "This model was created with a key and then unpickled; keys are not pickled. "
                f"{advice}, or pass a callable as api_key."
            )
        if not hmac.compare_digest(_digest(key, self.salt), self.digest):
            raise errors.AuthenticationError(
                f"This model was created with a key and then unpickled, and {self.variable} contains a different key, "
                f"which was not sent. {advice} to the original key, or assign another one: model.api_key = …."
            )
        return key

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_found": None}


class MissingKey(_LateKey):
    """No key. The request can be built, and previewed; sending it raises.

    Args:
        message: The error message.
    """

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def get_secret_value(self) -> str:
        """Raise.

        Raises:
            AuthenticationError: always.
        """
        raise errors.AuthenticationError(self.message)


_fingerprints: weakref.WeakKeyDictionary[SecretStr, tuple[bytes, bytes]] = weakref.WeakKeyDictionary()
"""Key -> salt and digest: a model that is pickled with every task computes one fingerprint."""


def _digest(key: SecretStr, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", key.get_secret_value().encode("utf-8", "surrogatepass"), salt, ITERATIONS)


def key_to_pickle(key: SecretStr | None, variable: str | None) -> SecretStr | None:
    """Return the fingerprint to pickle instead of a key; None for a key that is read again from its variable."""
    key = as_key(key)
    if key is None or isinstance(key, EnvironmentKey):
        return None
    if isinstance(key, _LateKey):
        return key
    fingerprint = _fingerprints.get(key)
    if fingerprint is None:
        salt = os.urandom(16)
        fingerprint = _fingerprints[key] = (salt, _digest(key, salt))
    return UnpickledKey(*fingerprint, variable)


def key_from_environment(variable: str | None) -> EnvironmentKey | None:
    """Return the key in an environment variable, if there is one."""
    if not variable:
        return None
    key = os.environ.get(variable, "").strip()
    return EnvironmentKey(key, variable) if key else None


def as_key(value: Any) -> SecretStr | None:
    """Convert the ``api_key`` argument: text, a ``SecretStr``, a callable, or None. Blanks around a key are removed.

    Raises:
        ValueError: for any other type; the message does not contain the value.
    """
    if isinstance(value, str):
        return SecretStr(value.strip())
    if type(value) is SecretStr:
        key = value.get_secret_value()
        return value if key == key.strip() else SecretStr(key.strip())
    if value is None or isinstance(value, SecretStr):
        return value
    if callable(value):
        return CalledKey(value)
    raise ValueError("api_key must be a str, a SecretStr, or a callable that returns one")
