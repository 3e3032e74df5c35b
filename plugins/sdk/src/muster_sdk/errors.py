"""The errors of channels. Their text is safe to show to the store's staff."""

__all__ = [
    "AddressInvalid",
    "ChannelError",
    "ContentInvalid",
    "NoAnswer",
    "NotConnected",
    "TemplateInvalid",
    "Unreachable",
]


class ChannelError(Exception):
    """The base of all errors here: catch this one, raise one of the others.

    Its text is for the store's staff: a sentence without a full stop, without secrets, addresses and tracebacks.

        except ChannelError as error:
            report(str(error))
    """


class AddressInvalid(ChannelError):
    """A text is not the address of one mailbox. Raised by `canonical_email` and `smtp_mailbox`.

    Its text is a reason that follows a colon:

        raise AddressInvalid("it has no @")
    """


class ContentInvalid(ChannelError):
    """A campaign's content cannot be sent. Raised by `Channel.prepare`.

    `message` is the reason; `path` leads from the content's root to the wrong value, in the names of its JSON:

        raise ContentInvalid("A subject is one line", path=("subject",))
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class TemplateInvalid(ChannelError):
    """A template does not compile, or exceeds its limits. Raised by `Templates.compile` and `Template.render`.

    `message` is the reason; `line` counts from 1, and is None for an error without a line:

        raise TemplateInvalid("unexpected end of input", line=3)
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Unreachable(ChannelError):
    """The provider could not be reached, or refused the credentials. Raised by `Channel.connect`.

    It promises that nothing has been sent: the host retries all messages later. `reason` is shown to staff:

        raise Unreachable("mail.example.com:587 refused the connection")
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotConnected(ChannelError):
    """An HTTP request was not sent: no byte of it reached the provider. Raised by `HttpClient.request`.

    The outcome of its messages is `NotSent`:

        except NotConnected as error:
            outcome = NotSent(str(error))
    """


class NoAnswer(ChannelError):
    """An HTTP request may have reached the provider, and was not answered as HTTP, in time and within the limits.

    Raised by `HttpClient.request`. The outcome of its messages is `Ambiguous`:

        except NoAnswer as error:
            outcome = Ambiguous(str(error))
    """
