"""Doors that stand open, and calls that do not say what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import operators
from incrsim.api import application, boundary, problem, server, settings, upstream
from incrsim.api.access import Access
from incrsim.api.settings import ApiSettings
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


@mutant("C-36", "a request without a token is let in")
def no_token_needed(patch: Patch) -> None:
    patch.rewrite(Access._require, "if given is None:", "if given is None and credentials is not None:")


@mutant("C-36", "any token is let in")
def any_token_opens(patch: Patch) -> None:
    patch.rewrite(Access._require, "if given is None:", "if credentials is None:")


@mutant("C-36", "a token for reading may change things")
def reading_manages(patch: Patch) -> None:
    patch.rewrite(Access._require, "given is not Permission.MANAGE", "False")


@mutant("C-36", "tokens are compared as text is, up to the first difference")
def tokens_compared_like_text(patch: Patch) -> None:
    patch.rewrite(Access._permission, "hmac.compare_digest(digest, given)", "digest == given")


@mutant("C-36", "the signature of an event is not looked at")
def signature_ignored(patch: Patch) -> None:
    patch.rewrite(Access.sending, "if not hmac.compare_digest(", "if False and not hmac.compare_digest(")


@mutant("C-36", "an event without a signature needs none")
def signature_may_be_missing(patch: Patch) -> None:
    patch.rewrite(
        Access.sending,
        "            self._require(Permission.MANAGE, credentials)\n            return",
        "            return",
    )


@mutant("C-36", "without a secret an event needs a token that may read")
def events_need_read(patch: Patch) -> None:
    patch.rewrite(Access.sending, "Permission.MANAGE", "Permission.READ")


@mutant("C-36", "a topic without a secret has the empty one, and anybody can sign with that")
def empty_secret(patch: Patch) -> None:
    patch.rewrite(Access.sending, "self._secrets.get(topic)", 'self._secrets.get(topic, b"")')


@mutant("C-36", "a good signature does not stand in for a token")
def signature_opens_nothing(patch: Patch) -> None:
    patch.rewrite(Access.sending, "secret is None or signature is None", "True")


@mutant("C-36", "the Host header is not looked at: a web page can call us by rebinding its name")
def any_host(patch: Patch) -> None:
    patch.rewrite(boundary.Boundary.__call__, "not in self._names", "is None")


@mutant("C-36", "it listens on every address by default")
def listens_everywhere(patch: Patch) -> None:
    defaults = ApiSettings.__init__.__kwdefaults__
    assert defaults is not None
    assert defaults["host"] == settings.LOOPBACK[0]
    defaults["host"] = "0.0.0.0"


@mutant("C-36", "without a configured token there is none at all, and the door is shut for everybody")
def no_token_made_up(patch: Patch) -> None:
    patch.rewrite(server.ApiServer.__init__, "None if settings.has_tokens else random_token()", "None")


@mutant("C-36", "the token that is made up is always the same")
def made_up_token_is_known(patch: Patch) -> None:
    patch.rewrite(settings.random_token, "secrets.token_urlsafe(24)", '"incrsim-incrsim-incrsim"')


@mutant("C-36", "a token that is wrong is told in the answer")
def token_in_the_answer(patch: Patch) -> None:
    patch.rewrite(Access._require, '"this token is not one', 'f"{credentials.credentials} is not one')


@mutant("C-36", "an unexpected error is answered with what it says")
def error_in_the_answer(patch: Patch) -> None:
    patch.rewrite(problem.Unexpected.__call__, "except Exception:", "except Exception as error:")
    patch.rewrite(
        problem.Unexpected.__call__, '"something unexpected happened; the server\'s log says what"', "repr(error)"
    )


@mutant("C-36", "a body that comes in chunks may be of any size")
def chunks_not_counted(patch: Patch) -> None:
    patch.rewrite(boundary._counted, "if received > LARGEST_BODY:", "if False:")


@mutant("C-36", "a page of another origin may read the answers")
def any_origin(patch: Patch) -> None:
    patch.rewrite(
        application.create_api,
        "    api.add_middleware(problem.Unexpected)",
        "    from fastapi.middleware.cors import CORSMiddleware\n"
        '    api.add_middleware(CORSMiddleware, allow_origins=["*"])',
    )


@mutant("C-35", "an unknown provider is told without the known names")
def known_names_left_out(patch: Patch) -> None:
    patch.rewrite(problem._ours, "str(error)", 'str(error).partition(";")[0]')


@mutant("C-35", "an unknown provider is a bad request")
def unknown_is_bad_request(patch: Patch) -> None:
    patch.replace(problem, "STATUSES", problem.STATUSES[1:])


@mutant("C-35", "over REST a call says that it worked, and not what it did")
def rest_says_nothing(patch: Patch) -> None:
    patch.rewrite(upstream._answered, "done.message", '"done"')


@mutant("C-35", "what went is not counted")
def deletions_not_counted(patch: Patch) -> None:
    patch.rewrite(upstream._deletions, "gone.ingestions, gone.marks", "0, 0")


@mutant("C-35", "an operator's call over all providers counts none of them")
def cleanup_counts_nothing(patch: Patch) -> None:
    patch.rewrite(operators.Operators.cleanup, "cleaned_sentence(providers, total)", "cleaned_sentence(0, total)")
