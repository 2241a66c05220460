"""What is on its way to one connection."""

from __future__ import annotations

import asyncio

from haystack_app.live.send_queue import SendQueue
from tests.patience import PATIENCE


class Socket:
    """It takes nothing until it may, and breaks when it is told to."""

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


def test_texts_leave_in_order() -> None:
    async def run() -> None:
        socket, send_queue, delivering = await full()
        rooms: list[int] = []
        send_queue.on_room = lambda: rooms.append(len(socket.taken))
        socket.may.set()
        await send_queue.room()
        await send_queue.empty(PATIENCE)
        assert socket.taken == [str(number) for number in range(20)]
        assert rooms == [5]
        delivering.cancel()

    asyncio.run(run())


def test_nobody_waits_for_a_client_that_has_left() -> None:
    async def run() -> None:
        socket, send_queue, delivering = await full()
        waiting = asyncio.create_task(send_queue.room())
        socket.is_gone = True
        socket.may.set()
        await asyncio.wait_for(waiting, PATIENCE)
        await delivering  # it raises nothing that nobody would hear
        send_queue.send_soon("for nobody")
        await asyncio.wait_for(send_queue.empty(60), PATIENCE)
        assert not send_queue.has_room

    asyncio.run(run())


def test_nobody_waits_for_a_delivery_that_was_ended() -> None:
    async def run() -> None:
        _, send_queue, delivering = await full()
        waiting = asyncio.create_task(send_queue.room())
        await asyncio.sleep(0)
        delivering.cancel()
        await asyncio.wait_for(waiting, PATIENCE)

    asyncio.run(run())
