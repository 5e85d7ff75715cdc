import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { closureOf, scanDescriptors } from "./descriptors.ts";
import { ENVOY } from "./fetch-envoy.ts";
import { generatePluginTypes } from "./plugin-types.ts";

const ROOT = join(import.meta.dirname, "../..");

const OUT = join(ROOT, ".build/gen");
const STAMP = join(OUT, "stamp");

/** Imports that carry annotations only: dropped together with the options, so that less is generated and loaded. */
const ANNOTATIONS = /^(udpa\/annotations|xds\/annotations|validate\/|envoy\/annotations|google\/api\/annotations)/;

/**
 * Generates the messages of `core/envoy/proto/roots.txt` into `.build/gen`, and keeps every descriptor of the binary in
 * `envoy-descriptors.binpb`. Does nothing when Envoy, roots and generator are those of the last run.
 */
export function generate(): { readonly files: number; readonly skipped: boolean } {
  const roots = readRoots();
  const stamp = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === stamp) return { files: 0, skipped: true };
  const all = scanDescriptors(readFileSync(ENVOY));
  const closure = closureOf(roots, new Map([...all].map(([name, file]) => [name, withoutAnnotations(file)])));
  const generated = runGenerator(closure);
  const fresh = `${OUT}.${process.pid}`;
  for (const [name, content] of generated) {
    const target = join(fresh, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  const set = create(FileDescriptorSetSchema, { file: [...all.values()].map(withoutAnnotations) });
  writeFileSync(join(fresh, "envoy-descriptors.binpb"), toBinary(FileDescriptorSetSchema, set));
  writeFileSync(join(fresh, "stamp"), stamp);
  // Complete or not at all, and gone only for a moment: others may be running from it.
  rmSync(OUT, { recursive: true, force: true });
  renameSync(fresh, OUT);
  return { files: generated.size, skipped: false };
}

export function readRoots(): string[] {
  const text = readFileSync(join(ROOT, "core/envoy/proto/roots.txt"), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const source of [
    ".build/envoy/version",
    "core/envoy/proto/roots.txt",
    "cmd/build/descriptors.ts",
    "cmd/build/generate.ts",
    "node_modules/@bufbuild/protoc-gen-es/package.json",
  ]) {
    hash.update(readFileSync(join(ROOT, source)));
  }
  return hash.digest("hex");
}

/** Options hold validation rules and language settings that nothing here reads; they are more than half of the bytes. */
export function withoutAnnotations(file: FileDescriptorProto): FileDescriptorProto {
  const kept = file.dependency.filter((name) => !ANNOTATIONS.test(name));
  const copy = { ...file, dependency: kept, publicDependency: [], weakDependency: [] } as FileDescriptorProto;
  delete copy.options;
  copy.messageType = file.messageType.map(stripMessage);
  copy.enumType = file.enumType.map(stripEnum);
  copy.service = file.service.map((service) => {
    const method = service.method.map((each) => without(each));
    return { ...without(service), method };
  });
  return copy;
}

type Message = FileDescriptorProto["messageType"][number];
type Enum = FileDescriptorProto["enumType"][number];

function without<T extends { options?: unknown }>(part: T): T {
  const copy = { ...part };
  delete copy.options;
  return copy;
}

function stripMessage(message: Message): Message {
  const copy = { ...message };
  // map_entry is the one option that changes the meaning of a message.
  if (!message.options?.mapEntry) delete copy.options;
  copy.field = message.field.map((field) => without(field));
  copy.oneofDecl = message.oneofDecl.map((oneof) => without(oneof));
  copy.nestedType = message.nestedType.map(stripMessage);
  copy.enumType = message.enumType.map(stripEnum);
  return copy;
}

function stripEnum(part: Enum): Enum {
  // allow_alias is needed to accept enums that have it.
  const copy = part.options?.allowAlias ? { ...part } : without(part);
  return { ...copy, value: part.value.map((value) => without(value)) };
}

function runGenerator(closure: readonly FileDescriptorProto[]): Map<string, string> {
  const wellKnown = (file: FileDescriptorProto) => file.name.startsWith("google/protobuf/");
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: closure.filter((file) => !wellKnown(file)).map((file) => file.name),
    parameter: "target=js+dts,import_extension=js",
    protoFile: [...closure],
  });
  const plugin = join(ROOT, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es");
  const run = spawnSync(process.execPath, [plugin], {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`protoc-gen-es failed: ${run.stderr.toString()}`);
  const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
  if (response.error) throw new Error(`protoc-gen-es: ${response.error}`);
  return new Map(response.file.map((file) => [file.name, file.content]));
}

if (process.argv[1] === import.meta.filename) {
  try {
    const { files, skipped } = generate();
    if (!skipped) process.stderr.write(`generated ${files} files of Envoy's messages\n`);
    generatePluginTypes();
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
