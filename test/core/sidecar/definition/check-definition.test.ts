import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { MeshError } from "../../../../core/kernel/errors.ts";
import { checkDefinition } from "../../../../core/sidecar/definition/check-definition.ts";
import { readDefinitionSource } from "../../../../core/sidecar/definition/read-source.ts";
import { parseDpArgs } from "../../../../core/sidecar/options/parse-args.ts";
import { readOptions } from "../../../../core/sidecar/options/read-options.ts";
import { readVariables } from "../../../../core/sidecar/options/variables.ts";

const check = (text: string, vars: readonly string[] = []) =>
  checkDefinition(
    { label: "dp.yaml", text },
    { variables: readVariables(vars), machineAddresses: () => "192.168.0.1 (eth0)" },
  );

async function problems(text: string, vars: readonly string[] = []): Promise<string> {
  const error = await check(text, vars).then(
    () => assert.fail("it was accepted"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof MeshError, String(error));
  assert.equal(error.code, "MM104");
  return error.where ?? "";
}

const GOOD = `type: Dataplane
mesh: default
name: {{ name }}
networking:
  address: {{ address }}
  inbound:
  - port: 9000
    servicePort: 6379
    tags:
      kuma.io/service: redis
`;
const VARS = ["name=redis-1", "address=192.168.0.1"];

describe("a good definition", () => {
  test("is rendered and read", async () => {
    const { draft, json, notes } = await check(GOOD, VARS);
    assert.equal(draft.name, "redis-1");
    assert.equal(draft.spec.networking.address, "192.168.0.1");
    assert.equal(json["type"], "Dataplane");
    assert.deepEqual(notes, []);
  });

  test("may be JSON, may use sections and dotted names; values are put in as they are", async () => {
    const { draft } = await check(
      `{"type":"Dataplane","mesh":"default","name":"{{ dp.name }}","networking":{"address":"{{ dp.address }}",
        "inbound":[{"port":80,"servicePort":8080,"tags":{"kuma.io/service":"a"{{#version}},"version":"{{ . }}"{{/version}}}}]}}`,
      ["dp.name=a-1", "dp.address=10.0.0.1", "version=v1"],
    );
    assert.equal(draft.spec.networking.inbound?.[0]?.tags?.["version"], "v1");
    const label = await check(GOOD.replace("name: {{ name }}", "name: a\nlabels: {{ labels }}"), [
      'labels={"a": "b"}',
      "address=10.0.0.1",
    ]);
    assert.deepEqual(label.draft.labels, { a: "b" });
  });

  test("a variable that it does not use is worth a note", async () => {
    assert.match(
      (await check(GOOD, [...VARS, "zone=east"])).notes[0] ?? "",
      /"zone": given, but the definition has no \{\{ zone \}\}/,
    );
  });

  test("a section without its variable is left out, without complaint", async () => {
    const { draft } = await check(
      GOOD.replace(
        "      kuma.io/service: redis",
        "      kuma.io/service: redis\n      {{#v}}\n      version: {{ v }}\n      {{/v}}",
      ),
      VARS,
    );
    assert.deepEqual(Object.keys(draft.spec.networking.inbound?.[0]?.tags ?? {}), ["kuma.io/service"]);
  });
});

describe("a bad definition", () => {
  test("shows all problems in the order of the file, each with line, caret and advice", async () => {
    const text = GOOD.replace("{{ address }}", "redis host").replace("servicePort", "servicePrt");
    assert.equal(
      await problems(text, ["nme=redis-1"]),
      `dp.yaml:3   name: {{ name }}
                  ^^^^^^^^^^  no value for "name"; given: nme. Did you mean --dataplane-var
                              name=redis-1?
dp.yaml:5   address: redis host
                     ^^^^^^^^^^  networking.address must be an IP address or a DNS name. This
                                 machine has 192.168.0.1 (eth0)
dp.yaml:8   servicePrt: 6379
            ^^^^^^^^^^  networking.inbound[0].servicePrt is no field. Nearest: servicePort`,
    );
  });

  test("braces with spaces, as Kuma's page prints them, show what to write", async () => {
    const shown = await problems(
      GOOD.replace("{{ name }}", "{ { name } }").replace("{{ address }}", "{{ address } }"),
      VARS,
    );
    assert.match(
      shown,
      /dp.yaml:3 {3}name: \{ \{ name \} \}\n +\^{12} {2}no spaces between the braces: write \{\{ name \}\}/,
    );
    assert.match(shown, /dp.yaml:5 .*\n.*write \{\{ address \}\}/);
    assert.equal(shown.match(/dp\.yaml/g)?.length, 2);
  });

  test("empty name and address beside --dataplane-var, as on Kuma's page, show the lines to write", async () => {
    const shown = await problems(GOOD.replace("{{ name }}", "").replace("{{ address }}", ""), VARS);
    assert.match(shown, /dp.yaml:3 .*\n.*name is empty, and --dataplane-var name=… is given but not used/);
    assert.match(shown, /name: \{\{ name \}\}/);
    assert.match(shown, /address: \{\{ address \}\}/);
  });

  const table: [string, string, readonly string[], RegExp][] = [
    [
      "a value that a variable brought",
      GOOD.replace("9000", "{{ port }}"),
      [...VARS, "port=99999"],
      /dp\.yaml:7 .*port: \{\{ port \}\}\n +\^{10} .*\(here: 99999\)/s,
    ],
    ["no variable at all", GOOD, [], /no value for "name"; none was given\. Add --dataplane-var name=…/],
    [
      "a group as a value",
      GOOD,
      ["name.first=a", "address=10.0.0.1"],
      /"name" is a group; one of name\.first is meant/,
    ],
    [
      "a property that every object has",
      GOOD.replace("{{ name }}", "{{ constructor }}"),
      VARS,
      /no value for "constructor"/,
    ],
    [
      "an unclosed tag",
      GOOD.replace("{{ name }}", "{{ name"),
      VARS,
      /dp\.yaml:3 .*\n +\^+ {2}the template cannot be read: unclosed tag/,
    ],
    ["a partial", GOOD.replace("{{ name }}", "{{> name }}"), VARS, /partials are not supported/],
    ["a tab", "type: Dataplane\nnetworking:\n\taddress: 1.2.3.4\n", [], /dp\.yaml:3 .*\n.*a tab indents this line/],
    ["a wrong indent", "type: Dataplane\nname: a\n mesh: b\n", [], /keys of one level\s+start in one column/],
    ["a key twice", "type: Dataplane\nname: a\nname: b\n", [], /dp\.yaml:3 .*\n.*this key is there twice/],
    ["two documents", "type: Dataplane\n---\ntype: Mesh\n", [], /a second document begins here/],
    ["a list", "- a\n", [], /a definition is a map/],
    ["another type", "type: Mesh\nname: a\n", [], /type is "Mesh"; a sidecar runs a Dataplane\. Write type: Dataplane/],
    [
      "no type",
      "mesh: default\nname: a\nnetworking: {address: 10.0.0.1}\n",
      [],
      /type\s+is\s+missing\.\s+Write type: Dataplane/,
    ],
    ["no mesh", "type: Dataplane\nname: a\nnetworking: {address: 10.0.0.1}\n", [], /mesh is required/],
    ["no networking", "type: Dataplane\nname: a\nmesh: default\n", [], /networking is required/],
    [
      "text where a number belongs",
      GOOD.replace("9000", "nine"),
      VARS,
      /networking\.inbound\[0\]\.port must be a number, not "nine"/,
    ],
    [
      "a wrong protocol",
      `${GOOD}      kuma.io/protocol: htp\n`,
      VARS,
      /dp\.yaml:11 .*\n.*must be one of\s+grpc, http, http2, kafka, tcp/,
    ],
    [
      "an unknown field at the top",
      `${GOOD}networkin: {}\n`,
      VARS,
      /dp\.yaml:11 .*\n +\^{9} {2}networkin is no field\. Nearest: networking/,
    ],
    [
      "a name in capitals",
      GOOD.replace("{{ name }}", "Redis"),
      VARS,
      /dp\.yaml:3 .*\n.*name must consist of lower-case letters/,
    ],
  ];
  for (const [what, text, vars, expected] of table) {
    test(what, async () => assert.match(await problems(text, vars), expected));
  }

  test("a long line and carriage returns do not spoil the picture", async () => {
    const shown = await problems(GOOD.replace("9000", `0   # ${"x".repeat(200)}`).replaceAll("\n", "\r\n"), VARS);
    for (const line of shown.split("\n")) assert.ok(line.length <= 100, line);
  });
});

describe("where it comes from", () => {
  const source = (args: readonly string[], stdin = "") =>
    readDefinitionSource(
      readOptions({ args: parseDpArgs(args, "dp run"), env: {}, asKuma: false, foreignVariable: () => false }).values,
      Readable.from([stdin]),
    );

  test("stdin, text, or nothing", async () => {
    assert.deepEqual(await source(["-d", "-"], "type: Dataplane"), { label: "stdin", text: "type: Dataplane" });
    assert.deepEqual(await source(["--dataplane=a: b"]), { label: "--dataplane", text: "a: b" });
    assert.equal(await source([]), undefined);
  });

  test("a file that is not there, a directory, an empty stdin", async () => {
    await assert.rejects(
      source(["-d", "/nowhere/dp.yaml"]),
      (error: MeshError) => error.code === "MM105" && /there is no such file/.test(error.message),
    );
    await assert.rejects(source(["-d", "/"]), /it is a directory/);
    await assert.rejects(
      source(["-d", "-"], " \n"),
      (error: MeshError) => error.code === "MM104" && /stdin is empty/.test(error.message),
    );
  });
});
