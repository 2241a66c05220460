"""Handshakes on any path: clients start on ``/api/about``, ``/ui`` and others.

Source: docHaystack Auth. The protocol uses header fields; bodies are for people.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from . import encoding, handshakes, second_factor, throttle, tokens
from .audit import log_failed_login
from .handshakes import HandshakeFailed, MalformedMessage
from .headers import Authorization, MalformedHeader, authentication_info, challenge
from .throttle import TooManyRequests

__all__ = ["handshake"]

GetResponse = Callable[[HttpRequest], HttpResponse]
Parameters = dict[str, str]


def handshake(get_response: GetResponse) -> GetResponse:
    """Middleware that answers requests with the schemes HELLO and SCRAM.

    It must follow middleware that enforces HTTPS and precede middleware that
    redirects or authenticates.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        authorization = Authorization.parse(request.META.get("HTTP_AUTHORIZATION", ""))
        step = _STEPS.get(authorization.scheme)
        if step is None or request.method not in ("GET", "POST"):
            return get_response(request)
        request.get_host()  # raises DisallowedHost, as CommonMiddleware does
        try:
            throttle.count_anonymous(request)
            response = step(request, authorization.parameters())
        except (MalformedHeader, MalformedMessage) as error:
            response = _error_response(400, str(error))
        except HandshakeFailed as error:
            log_failed_login(request, error.username, str(error))
            response = _error_response(403, "login failed")
        except TooManyRequests as error:
            response = _error_response(429, str(error))
            response["Retry-After"] = str(error.seconds)
        response["Cache-Control"] = "no-cache, no-store"
        return response

    return answer


def _hello(request: HttpRequest, parameters: Parameters) -> HttpResponse:
    try:
        username = _decoded(parameters, "username").decode()
    except UnicodeDecodeError:
        raise MalformedMessage("username is not UTF-8") from None
    throttle.begin_login(request, username)
    return _challenge_response(challenge(token=handshakes.begin(username)))


def _scram(request: HttpRequest, parameters: Parameters) -> HttpResponse:
    message = _decoded(parameters, "data")
    handshake = handshakes.get_valid(parameters.get("handshaketoken", ""))
    if not handshake.server_first:
        text = handshakes.answer(handshake, message)
        data = encoding.urlsafe(text.encode())
        return _challenge_response(challenge(data=data, token=handshake.token))
    user, text = handshakes.finish(handshake, message)
    throttle.login_succeeded(request, handshake.username)
    if second_factor.refuses_password(user):
        log_failed_login(request, handshake.username, "a second factor is needed")
        return _error_response(403, second_factor.PASSWORD_REFUSED)
    data = encoding.urlsafe(text.encode())
    info = authentication_info(token=tokens.issue(user), data=data)
    return HttpResponse(headers={"Authentication-Info": info, "Content-Length": "0"})


def _decoded(parameters: Parameters, name: str) -> bytes:
    try:
        return encoding.decode(parameters[name])
    except KeyError:
        raise MalformedMessage(f"{name} is missing") from None
    except ValueError:
        raise MalformedMessage(f"{name} is not base64") from None


_STEPS: dict[str, Callable[[HttpRequest, Parameters], HttpResponse]] = {
    "hello": _hello,
    "scram": _scram,
}


def _challenge_response(text: str) -> HttpResponse:
    headers = {"WWW-Authenticate": text, "Content-Length": "0"}
    return HttpResponse(status=401, headers=headers)


def _error_response(status: int, dis: str) -> HttpResponse:
    return JsonResponse({"status": status, "dis": dis}, status=status)
