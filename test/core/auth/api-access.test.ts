import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiRequest, decideApiAccess } from "../../../core/auth/api-access.ts";

const request = (parts: Partial<ApiRequest> & { readonly headers?: ApiRequest["headers"] } = {}): ApiRequest => ({
  remoteAddress: "127.0.0.1",
  secure: false,
  ...parts,
  headers: { host: "localhost:5681", ...parts.headers },
});

const ADMIN: Record<string, ApiRequest> = {
  "loopback to localhost": request(),
  "loopback to an address": request({ headers: { host: "127.0.0.1:5681" } }),
  "another loopback address": request({ remoteAddress: "127.8.8.8", headers: { host: "127.8.8.8" } }),
  IPv6: request({ remoteAddress: "::1", headers: { host: "[::1]:5681" } }),
  "IPv4 on an IPv6 socket": request({ remoteAddress: "::ffff:127.0.0.1" }),
  "upper case": request({ headers: { host: "LOCALHOST:5681" } }),
  "a page of ours": request({ headers: { "sec-fetch-site": "same-origin", origin: "http://localhost:5681" } }),
  "typed into a browser": request({ headers: { "sec-fetch-site": "none" } }),
  "over TLS": request({ secure: true, headers: { origin: "https://localhost:5681" } }),
};

for (const [title, each] of Object.entries(ADMIN)) {
  test(`admin: ${title}`, () => {
    const access = decideApiAccess(each);
    assert.equal(access.reason, undefined);
    assert.ok(access.admin);
    assert.equal(access.user.name, "mesh-system:admin");
    assert.deepEqual(access.user.groups, ["mesh-system:admin", "mesh-system:authenticated"]);
  });
}

const STRANGERS: Record<string, readonly [ApiRequest, RegExp]> = {
  "another machine": [request({ remoteAddress: "10.0.0.5" }), /came from 10\.0\.0\.5/],
  "an unknown address": [request({ remoteAddress: undefined }), /unknown address/],
  "an address that only looks like loopback": [request({ remoteAddress: "127.0.0.1.example.com" }), /came from/],
  "a name that points here": [request({ headers: { host: "evil.example.com:5681" } }), /addressed to/],
  "a name that begins like loopback": [request({ headers: { host: "127.0.0.1.evil.com" } }), /addressed to/],
  "a name that begins like localhost": [request({ headers: { host: "localhost.evil.com" } }), /addressed to/],
  "user info before the host": [request({ headers: { host: "localhost:5681@evil.com" } }), /addressed to/],
  "this machine's outer address": [request({ headers: { host: "192.168.0.1:5681" } }), /addressed to/],
  "the wildcard address": [request({ headers: { host: "0.0.0.0:5681" } }), /addressed to/],
  "no host": [request({ headers: { host: undefined } }), /no host/],
  "an empty host": [request({ headers: { host: "" } }), /no host/],
  "two hosts": [request({ headers: { host: ["localhost", "evil.com"] } }), /addressed to/],
  Forwarded: [request({ headers: { forwarded: "for=1.2.3.4" } }), /proxy.*forwarded/],
  "X-Forwarded-For": [request({ headers: { "x-forwarded-for": "127.0.0.1" } }), /proxy.*x-forwarded-for/],
  "an empty X-Real-IP": [request({ headers: { "x-real-ip": "" } }), /proxy.*x-real-ip/],
  "a cross-site page": [request({ headers: { "sec-fetch-site": "cross-site" } }), /another site/],
  "a same-site page": [request({ headers: { "sec-fetch-site": "same-site" } }), /another site/],
  "an empty fetch site": [request({ headers: { "sec-fetch-site": "" } }), /another site/],
  "a foreign origin": [request({ headers: { origin: "http://evil.com" } }), /page of "http:\/\/evil\.com"/],
  "the null origin of a file or frame": [request({ headers: { origin: "null" } }), /page of/],
  "our origin on another port": [request({ headers: { origin: "http://localhost:8080" } }), /page of/],
  "our origin by the wrong scheme": [
    request({ secure: true, headers: { origin: "http://localhost:5681" } }),
    /page of/,
  ],
};

for (const [title, [each, reason]] of Object.entries(STRANGERS)) {
  test(`anonymous: ${title}`, () => {
    const access = decideApiAccess(each);
    assert.ok(!access.admin);
    assert.match(access.reason ?? "", reason);
    assert.deepEqual(access.user, { name: "mesh-system:anonymous", groups: ["mesh-system:unauthenticated"] });
  });
}

test("localhost is no admin where the configuration says so", () => {
  const access = decideApiAccess(request(), false);
  assert.ok(!access.admin);
  assert.match(access.reason ?? "", /localhostIsAdmin/);
});
