import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, describe, test } from "node:test";
import type { MeshError } from "../../../../core/kernel/errors.ts";
import { type DataplaneSpec, dataplaneType } from "../../../../core/model/types/dataplane.ts";
import { isMachineAddress, machineAddressesText } from "../../../../core/sidecar/checks/machine-addresses.ts";
import { checkPorts, type PortCheckOptions } from "../../../../core/sidecar/checks/port-check.ts";
import { holdersInTheWay, holdersOfPort, holderText } from "../../../../core/sidecar/checks/socket-holders.ts";
import { tcpAnswers } from "../../../../core/sidecar/checks/tcp-answers.ts";
import { isShareable, testBind } from "../../../../core/sidecar/checks/test-bind.ts";

const servers: Server[] = [];

async function listen(host: string, reusePort = false): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ host, port: 0, reusePort }, resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

function definition(address: string, port: number, outboundPort = 1): DataplaneSpec {
  const outbound = outboundPort === 1 ? [] : [{ port: outboundPort, tags: { "kuma.io/service": "b" } }];
  return dataplaneType.parse({
    networking: { address, inbound: [{ port, tags: { "kuma.io/service": "a" } }], outbound },
  }).spec;
}

const NOBODY: PortCheckOptions = { replaced: undefined, describeProcess: () => undefined };

describe("who holds a port", () => {
  test("is found with process and address", async () => {
    const port = await listen("127.0.0.1");
    const [holder, ...others] = holdersOfPort(port);
    assert.deepEqual(others, []);
    assert.deepEqual([holder?.pid, holder?.address], [process.pid, "127.0.0.1"]);
    assert.equal(holderText(holder as NonNullable<typeof holder>), `node (pid ${process.pid})`);
    assert.deepEqual(holdersOfPort(1), []);
  });

  test("one on all addresses, IPv6 too, is in the way of each", async () => {
    const port = await listen("::");
    assert.equal(holdersInTheWay("127.0.0.1", port)[0]?.address, "::");
  });
});

describe("trying a port", () => {
  test("free, taken, not here", async () => {
    const port = await listen("127.0.0.1");
    assert.equal(await testBind("127.0.0.1", port), "in-use");
    assert.equal(await testBind("127.0.0.2", port), undefined);
    assert.equal(await testBind("203.0.113.7", port), "not-here");
  });

  test("a shared port counts as taken; whether it can be shared is another question", async () => {
    const shared = await listen("127.0.0.1", true);
    const own = await listen("127.0.0.1");
    assert.equal(await testBind("127.0.0.1", shared), "in-use");
    assert.equal(await isShareable("127.0.0.1", shared), true);
    assert.equal(await isShareable("127.0.0.1", own), false);
  });
});

describe("the ports of a definition", () => {
  test("all problems at once, each with who is in the way", async () => {
    const [inbound, outbound] = [await listen("127.0.0.1"), await listen("127.0.0.1")];
    await assert.rejects(
      checkPorts(definition("127.0.0.1", inbound, outbound), {
        ...NOBODY,
        describeProcess: () => "the sidecar of redis-1",
      }),
      (error: MeshError) => {
        assert.equal(error.code, "MM202");
        assert.equal(
          error.where,
          `inbound   127.0.0.1:${inbound}  node (pid ${process.pid}, the sidecar of redis-1) has it\noutbound  127.0.0.1:${outbound}  node (pid ${process.pid}, the sidecar of redis-1) has it`,
        );
        return true;
      },
    );
  });

  test("an address of another machine is named, with those that this one has", async () => {
    await assert.rejects(checkPorts(definition("203.0.113.7", 9000), NOBODY), (error: MeshError) => {
      assert.match(error.where ?? "", /203\.0\.113\.7:9000 {2}is no address of this machine/);
      assert.ok(error.todo?.includes(machineAddressesText()));
      return true;
    });
  });

  test("ports of the Envoy that will be replaced are no problem; a name without an address is a note", async () => {
    const shared = await listen("127.0.0.1", true);
    assert.deepEqual(await checkPorts(definition("127.0.0.1", shared), { ...NOBODY, replaced: process.pid }), {
      notes: [],
      shareable: true,
    });
    const own = await listen("127.0.0.1");
    assert.equal(
      (await checkPorts(definition("127.0.0.1", own), { ...NOBODY, replaced: process.pid })).shareable,
      false,
    );
    const { notes } = await checkPorts(definition("no-such-host.invalid", 9000), NOBODY);
    assert.match(notes[0] ?? "", /no-such-host\.invalid .* has no address here yet/);
  });
});

test("whether an application answers", async () => {
  const port = await listen("127.0.0.1");
  assert.equal(await tcpAnswers("127.0.0.1", port, 1000), true);
  assert.equal(await tcpAnswers("127.0.0.1", 1, 1000), false);
});

test("addresses of this machine", () => {
  assert.equal(isMachineAddress("127.0.0.1"), true);
  assert.equal(isMachineAddress("203.0.113.7"), false);
});
