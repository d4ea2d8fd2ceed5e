// The rules that the generated schemas are built from.
import { z } from "zod";

export interface TextRule {
  /** In Unicode code points, as JSON Schema counts. */
  minLength?: number;
  maxLength?: number;
  /** A regular expression that must match. */
  pattern?: string;
  /** A regular expression that must not match. */
  without?: string;
}

const loneSurrogate = /\p{Cs}/u;

function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count += 1;
  return count;
}

/** A string under the rules of a schema. A lone surrogate is never allowed: it has no UTF-8. */
export function textRule({ minLength = 0, maxLength = Infinity, pattern, without }: TextRule) {
  let schema = z.string().refine((value) => !loneSurrogate.test(value), "must not contain a lone surrogate");
  if (minLength > 0 || maxLength < Infinity) {
    schema = schema.refine(
      (value) => {
        // Code units bound code points from above and, halved, from below: most texts need no counting.
        if (value.length < minLength || value.length > 2 * maxLength) return false;
        const length = codePoints(value);
        return length >= minLength && length <= maxLength;
      },
      `must have ${minLength} to ${maxLength} characters`,
    );
  }
  if (pattern !== undefined) {
    const wanted = new RegExp(pattern, "u");
    schema = schema.refine((value) => wanted.test(value), "has the wrong form");
  }
  if (without !== undefined) {
    const unwanted = new RegExp(without, "u");
    schema = schema.refine((value) => !unwanted.test(value), "contains a character that is not allowed");
  }
  return schema;
}

const dataBytesMax = 4096;
const escapedNul = /(?:^|[^\\])(?:\\\\)*\\u0000/;

function utf8Bytes(value: string): number {
  let bytes = 0;
  for (const character of value) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** What no schema can say of `data`: at most 4 KB as compact JSON, and no U+0000 in it. */
export function isPortableData(data: object): boolean {
  const json = JSON.stringify(data);
  return utf8Bytes(json) <= dataBytesMax && !escapedNul.test(json);
}
