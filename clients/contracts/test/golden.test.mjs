// The golden files are judged by the Zod schemas as they are by the JSON Schemas and the server's decoders.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { CreateNotificationSchema, NotificationSchema, schemas } from "../dist/index.js";

function findGolden(folder) {
  const golden = join(folder, "contracts", "golden");
  if (existsSync(golden)) return golden;
  if (dirname(folder) === folder) throw new Error("no contracts/golden above this folder");
  return findGolden(dirname(folder));
}

const golden = findGolden(join(dirname(fileURLToPath(import.meta.url)), "..", "..", ".."));

for (const [path, schema] of Object.entries(schemas)) {
  test(`${path} accepts the valid golden files and refuses the others`, () => {
    const files = readdirSync(join(golden, path));
    assert.ok(files.some((file) => file.startsWith("valid-")), "a valid one");
    assert.ok(files.some((file) => file.startsWith("invalid-")), "an invalid one");
    for (const file of files) {
      const value = JSON.parse(readFileSync(join(golden, path, file), "utf8"));
      const result = schema.safeParse(value);
      assert.equal(result.success, file.startsWith("valid-"), `${path}/${file}: ${result.error?.message ?? "accepted"}`);
      // Nothing is dropped on the way: unknown fields may be newer than this package.
      if (result.success) assert.deepEqual(result.data, value, `${path}/${file}`);
    }
  });
}

const request = { userId: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", type: "t", title: "x" };
const accepts = (data) => CreateNotificationSchema.safeParse({ ...request, data }).success;

test("data is at most 4 KB of JSON in UTF-8", () => {
  assert.equal(accepts({ a: "x".repeat(4096 - 8) }), true);
  assert.equal(accepts({ a: "x".repeat(4096 - 7) }), false);
  assert.equal(accepts({ a: "é".repeat(2044) }), true);
  assert.equal(accepts({ a: "é".repeat(2045) }), false);
});

test("data holds no U+0000", () => {
  assert.equal(accepts({ a: ["\0"] }), false);
  assert.equal(accepts({ "\0": 1 }), false);
  assert.equal(accepts({ a: "\\u0000" }), true);
});

test("a lone surrogate is refused, as the server refuses it", () => {
  assert.equal(CreateNotificationSchema.safeParse({ ...request, title: "\ud800" }).success, false);
  assert.equal(CreateNotificationSchema.safeParse({ ...request, title: "\u{1f514}" }).success, true);
});

test("errors name the field", () => {
  const result = NotificationSchema.safeParse({ ...request });
  assert.deepEqual(
    result.error.issues.map((issue) => issue.path.join("/")).sort(),
    ["createdAt", "notificationId", "readAt", "version"],
  );
});
