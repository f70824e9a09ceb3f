"""Errors as AWS answers them: Fault, and those that every service shares.

Here and not in `operation.py` so that pure modules and light commands can refuse without loading the store.

    Fault                      the caller's problem; carries AWS's code, status and words
    ├── CommonFault            of the page "Common Errors", in no model
    └── one class per error shape, generated from the model into services/*/api.py
"""

from typing import Any, ClassVar, Self


class Fault(Exception):  # noqa: N818 - AWS says fault
    """An error for the caller, in AWS's code and words. `code` is the wire code, `status` the HTTP status."""

    code: ClassVar[str] = "InternalFailure"
    status: ClassVar[int] = 500
    sender: ClassVar[bool] = True
    """True when the caller is to blame (`<Type>Sender</Type>`)."""
    remembered = False
    """Whether what the operation wrote stays although it is refused: a wrong second factor must count."""

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members = members
        """Further members of a modelled error shape."""

    def keeping_changes(self) -> Self:
        """Have what was written before it is raised stay: a reuse that ends a session, a poll that counts."""
        self.remembered = True
        return self


class CommonFault(Fault):
    """An error every AWS service can answer (the page "Common Errors"), so not in any model: code and status vary."""

    def __init__(self, code: str, message: str, *, status: int = 400, sender: bool = True) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]
        self.status = status  # type: ignore[misc]
        self.sender = sender  # type: ignore[misc]
