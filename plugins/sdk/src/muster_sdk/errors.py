"""What a channel raises. Every error carries text that is safe to show to the store's staff."""

__all__ = ["ChannelError", "ContentInvalid", "TemplateInvalid", "Unreachable"]


class ChannelError(Exception):
    """The root of all errors here: catch this one, raise one of the others.

    Its text is for the store's staff. It never holds a secret, an address or a stack.

        except ChannelError as error:
            report(str(error))
    """


class ContentInvalid(ChannelError):
    """A campaign's content cannot be sent. Raised by `Channel.prepare`.

    `message` says why; `path` leads to the value at fault, from the content's root, in the names of its JSON:

        raise ContentInvalid("A subject is one line.", path=("subject",))
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class TemplateInvalid(ChannelError):
    """A template does not compile, or exceeds its limits. Raised by `Templates.compile` and `Template.render`.

    `message` says why; `line` counts from 1, and is None where the fault has none:

        raise TemplateInvalid("unexpected end of input", line=3)
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Unreachable(ChannelError):
    """The provider could not be reached, or refused the credentials. Raised by `Channel.connect`.

    It promises that nothing has been sent: the host tries all of the messages again later. `reason` says why:

        raise Unreachable("mail.example.com:587 refused the connection.")
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
