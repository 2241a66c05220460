"""Handshakes on any path: clients begin on ``/api/about``, ``/ui`` and others.

Source: docHaystack Auth. All is in header fields; bodies are for people.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from . import encoding, handshakes, throttle, tokens
from .audit import note_failed_login
from .handshakes import Malformed, Refused
from .headers import Authorization, MalformedHeader, authentication_info, challenge
from .throttle import TooManyRequests

__all__ = ["handshake"]

GetResponse = Callable[[HttpRequest], HttpResponse]
Parameters = dict[str, str]


def handshake(get_response: GetResponse) -> GetResponse:
    """Middleware: answers the schemes HELLO and SCRAM and touches no other.

    It comes behind what forces HTTPS and before what redirects or logs in.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        authorization = Authorization.parse(request.META.get("HTTP_AUTHORIZATION", ""))
        step = _STEPS.get(authorization.scheme)
        if step is None or request.method not in ("GET", "POST"):
            return get_response(request)
        request.get_host()  # refuses other hosts, as CommonMiddleware does
        try:
            throttle.count_anonymous(request)
            response = step(request, authorization.parameters())
        except (MalformedHeader, Malformed) as error:
            response = _refusal(400, str(error))
        except Refused as error:
            note_failed_login(request, error.username, str(error))
            response = _refusal(403, "the log-in has failed")
        except TooManyRequests as error:
            response = _refusal(429, str(error))
            response["Retry-After"] = str(error.seconds)
        response["Cache-Control"] = "no-cache, no-store"
        return response

    return answer


def _hello(request: HttpRequest, parameters: Parameters) -> HttpResponse:
    try:
        username = _decoded(parameters, "username").decode()
    except UnicodeDecodeError:
        raise Malformed("username is not UTF-8") from None
    throttle.begin_login(request, username)
    return _challenged(challenge(token=handshakes.begin(username)))


def _scram(request: HttpRequest, parameters: Parameters) -> HttpResponse:
    message = _decoded(parameters, "data")
    handshake = handshakes.find(parameters.get("handshaketoken", ""))
    if not handshake.server_first:
        text = handshakes.answer(handshake, message)
        data = encoding.urlsafe(text.encode())
        return _challenged(challenge(data=data, token=handshake.token))
    user, text = handshakes.finish(handshake, message)
    throttle.login_succeeded(request, handshake.username)
    data = encoding.urlsafe(text.encode())
    info = authentication_info(token=tokens.issue(user), data=data)
    return HttpResponse(headers={"Authentication-Info": info, "Content-Length": "0"})


def _decoded(parameters: Parameters, name: str) -> bytes:
    try:
        return encoding.decode(parameters[name])
    except KeyError:
        raise Malformed(f"{name} is missing") from None
    except ValueError:
        raise Malformed(f"{name} is not base64") from None


_STEPS: dict[str, Callable[[HttpRequest, Parameters], HttpResponse]] = {
    "hello": _hello,
    "scram": _scram,
}


def _challenged(text: str) -> HttpResponse:
    headers = {"WWW-Authenticate": text, "Content-Length": "0"}
    return HttpResponse(status=401, headers=headers)


def _refusal(status: int, dis: str) -> HttpResponse:
    return JsonResponse({"status": status, "dis": dis}, status=status)
