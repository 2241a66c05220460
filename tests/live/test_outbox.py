"""The queue of messages to one connection."""

from __future__ import annotations

import asyncio

from haystack_app.live.send_queue import SendQueue
from tests.patience import PATIENCE


class Socket:
    """It accepts nothing until it is opened, and fails when it is broken."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.may = asyncio.Event()
        self.is_gone = False

    async def send(self, text_data: str) -> None:
        await self.may.wait()
        if self.is_gone:
            raise ConnectionResetError
        self.taken.append(text_data)


async def full() -> tuple[Socket, SendQueue, asyncio.Task[None]]:
    socket = Socket()
    send_queue = SendQueue(socket)
    delivering = asyncio.create_task(send_queue.deliver())
    for number in range(20):
        send_queue.send_soon(str(number))
    await asyncio.sleep(0)
    assert not send_queue.has_room
    return socket, send_queue, delivering


def test_messages_are_sent_in_order() -> None:
    async def run() -> None:
        socket, send_queue, delivering = await full()
        rooms: list[int] = []
        send_queue.on_room = lambda: rooms.append(len(socket.taken))
        socket.may.set()
        await send_queue.wait_for_room()
        await send_queue.drain(PATIENCE)
        assert socket.taken == [str(number) for number in range(20)]
        assert rooms == [5]
        delivering.cancel()

    asyncio.run(run())


def test_waiting_ends_when_the_client_disconnects() -> None:
    async def run() -> None:
        socket, send_queue, delivering = await full()
        waiting = asyncio.create_task(send_queue.wait_for_room())
        socket.is_gone = True
        socket.may.set()
        await asyncio.wait_for(waiting, PATIENCE)
        await delivering  # it does not raise
        send_queue.send_soon("discarded")
        await asyncio.wait_for(send_queue.drain(60), PATIENCE)
        assert not send_queue.has_room

    asyncio.run(run())


def test_waiting_ends_when_delivery_is_cancelled() -> None:
    async def run() -> None:
        _, send_queue, delivering = await full()
        waiting = asyncio.create_task(send_queue.wait_for_room())
        await asyncio.sleep(0)
        delivering.cancel()
        await asyncio.wait_for(waiting, PATIENCE)

    asyncio.run(run())
