import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { loadServerIdentity } from "../../../core/ca/server-identity.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { type Peer, peerOf } from "../../../core/kernel/peer.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";

test("what is sent stays in the kernel while a peer is left unread, also when TLS wraps its socket later", async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "peer-"));
  const store = createMemoryStore();
  const options = { store, workDir: dir.path, hosts: [], clock: systemClock, log: silentLogger };
  const { identity } = await loadServerIdentity(options);
  let peer: Peer | undefined;
  const tls = createTlsServer({ cert: identity.chain, key: identity.key });
  const server = createServer((socket: Socket) => {
    peer = peerOf(socket);
    tls.emit("connection", socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  const [served] = (await once(tls, "secureConnection")) as [TLSSocket];
  let text = "";
  served.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  peer?.leaveUnread();
  client.write("hello");
  await sleep(100);
  assert.equal(text, "");
  peer?.readAgain();
  await once(served, "data");
  assert.equal(text, "hello");
  client.destroy();
  served.destroy();
  server.close();
  peer?.leaveUnread();
  peer?.readAgain();
});
