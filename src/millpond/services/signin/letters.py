"""What people are written: plain text, no address of theirs in it, links only to the installation's own URL."""

_FOOT = "\n\n-- \nMillpond, a self-hosted ElastiCache. Not affiliated with Amazon.\n"


def code(code: str, what_for: str) -> tuple[str, str]:
    """Subject and body of a one-time code. The code is not in the subject, which shows on locked screens."""
    return "Your Millpond verification code", (
        f"Your verification code is:\n\n    {code}\n\n"
        f"It is for {what_for} and works for 10 minutes, once.\n"
        "If you did not ask for it, ignore this message; nobody can use it without the page that it was asked from."
        + _FOOT
    )


def code_by_text(code: str) -> str:
    return f"Millpond verification code: {code}. It works for 10 minutes."


def address_taken(base_url: str) -> tuple[str, str]:
    """To the owner of an account whose address somebody used to sign up."""
    return "You already have a Millpond account", (
        "Somebody, perhaps you, tried to sign up with this e-mail address, but it has an account already.\n\n"
        f"Sign in as its root user: {base_url}/signin\n"
        f"A forgotten password is replaced here: {base_url}/forgot\n\n"
        "If it was not you, nothing has changed and there is nothing to do." + _FOOT
    )


def welcome(account: str, name: str, base_url: str) -> tuple[str, str]:
    return "Your Millpond account is ready", (
        f"The account {name} was made. Its id is:\n\n    {account}\n\n"
        f"Sign in as its root user: {base_url}/signin\n\n"
        "Next: turn on a second factor for the root user, then make a user for daily work and put the root user's\n"
        "password away. The root user may do everything, and no policy limits it." + _FOOT
    )


def reset(base_url: str, token: str) -> tuple[str, str]:
    return "Set a new Millpond password", (
        "Somebody, perhaps you, asked for a new password of the root user of your account. Set it here:\n\n"
        f"    {base_url}/forgot/reset?token={token}\n\n"
        "The link works for 30 minutes, once. If you did not ask for it, ignore this message." + _FOOT
    )


def password_changed() -> tuple[str, str]:
    return "Your Millpond password was changed", (
        "The password of your account's root user was changed, and every session ended.\n"
        "If it was not you, ask the operator of this installation for help at once." + _FOOT
    )


def address_changed(new_address: str) -> tuple[str, str]:
    """To the former address."""
    return "The e-mail address of your Millpond account was changed", (
        f"The root user of your account signs in with {new_address} from now on.\n"
        "If it was not you, ask the operator of this installation for help at once." + _FOOT
    )


def closed(account: str) -> tuple[str, str]:
    return "Your Millpond account was closed", (
        f"The account {account} was closed. Nobody can sign in to it, and its access keys have stopped working.\n"
        "The operator of this installation can open it again." + _FOOT
    )


def invitation(name: str, base_url: str, token: str) -> tuple[str, str]:
    """To a new user of the directory."""
    return "Your invitation to the Millpond access portal", (
        f"An administrator made the user {name} for you. Set your password here:\n\n"
        f"    {base_url}/invitation?token={token}\n\n"
        f"The link works for seven days, once. Afterwards you sign in here: {base_url}/start" + _FOOT
    )


def portal_reset(name: str, base_url: str, token: str) -> tuple[str, str]:
    return "Set a new Millpond password", (
        f"Somebody, perhaps you, asked for a new password of the user {name}. Set it here:\n\n"
        f"    {base_url}/invitation?token={token}\n\n"
        "The link works for an hour, once. If you did not ask for it, ignore this message." + _FOOT
    )
