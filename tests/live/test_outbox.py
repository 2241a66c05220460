"""What is on its way to one connection."""

from __future__ import annotations

import asyncio

from haystack_app.live.send_queue import Outbox


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


async def full() -> tuple[Socket, Outbox, asyncio.Task[None]]:
    socket = Socket()
    outbox = Outbox(socket)
    delivering = asyncio.create_task(outbox.deliver())
    for number in range(20):
        outbox.send_soon(str(number))
    await asyncio.sleep(0)
    assert not outbox.has_room
    return socket, outbox, delivering


def test_texts_leave_in_order() -> None:
    async def run() -> None:
        socket, outbox, delivering = await full()
        rooms: list[int] = []
        outbox.on_room = lambda: rooms.append(len(socket.taken))
        socket.may.set()
        await outbox.room()
        await outbox.empty(10)
        assert socket.taken == [str(number) for number in range(20)]
        assert rooms == [5]
        delivering.cancel()

    asyncio.run(run())


def test_nobody_waits_for_a_client_that_has_left() -> None:
    async def run() -> None:
        socket, outbox, delivering = await full()
        waiting = asyncio.create_task(outbox.room())
        socket.is_gone = True
        socket.may.set()
        await asyncio.wait_for(waiting, 10)
        await delivering  # it raises nothing that nobody would hear
        outbox.send_soon("for nobody")
        await asyncio.wait_for(outbox.empty(60), 10)
        assert not outbox.has_room

    asyncio.run(run())


def test_nobody_waits_for_a_delivery_that_was_ended() -> None:
    async def run() -> None:
        _, outbox, delivering = await full()
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        delivering.cancel()
        await asyncio.wait_for(waiting, 10)

    asyncio.run(run())
