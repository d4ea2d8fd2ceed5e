// Writes src/generated/ from the JSON Schemas in /contracts. `--check` writes nothing and fails if the files are stale.
//
// It knows the keywords that the schemas use and refuses any other, so that no rule is lost on the way to Zod. Lengths
// are in code points, as JSON Schema counts them; Zod's own min and max count UTF-16 units.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const contracts = join(here, "..", "..", "contracts");
const output = join(here, "src", "generated");
const folders = ["socket", "bus", "http", "internal"];
const notes = new Set(["$schema", "$defs", "title", "description", "format"]);
// Scalars that get a name in the types; the others are plain string and number there.
const namedScalars = new Set(["uuid", "version", "dateTime", "errorCode"]);
// Objects whose other members are the point.
const openObjects = new Set(["data"]);
// Definitions that say nothing about the property that uses them.
const silent = new Set([...namedScalars, "text", "count"]);
// Rules beyond the schema: functions of src/rules.ts.
const extraRules = { data: "isPortableData" };

const pascal = (name) => name[0].toUpperCase() + name.slice(1);
const isNamed = (name, def) => def.properties !== undefined || namedScalars.has(name);
const rules = (schema) => Object.fromEntries(Object.entries(schema).filter(([key]) => !notes.has(key)));

function load() {
  const documents = [];
  const defs = new Map();
  for (const folder of folders) {
    for (const file of readdirSync(join(contracts, folder)).sort()) {
      const path = `${folder}/${file.replace(/\.json$/, "")}`;
      const schema = JSON.parse(readFileSync(join(contracts, folder, file), "utf8"));
      documents.push({ path, name: schema.title, schema });
      for (const [name, def] of Object.entries(schema.$defs ?? {})) {
        if (defs.has(name) && !isDeepStrictEqual(defs.get(name), def)) throw new Error(`$defs/${name} differs in ${path}`);
        defs.set(name, def);
      }
    }
  }
  // A definition that is also a document of its own (a notification, a problem) has one type: the document's.
  const byName = new Map(documents.map((document) => [document.name, document.schema]));
  for (const [name, def] of defs) {
    const twin = byName.get(pascal(name));
    if (twin && !isDeepStrictEqual(rules(twin), rules(def))) throw new Error(`${pascal(name)} is two different things`);
  }
  return { documents, defs: sortDefs(defs), names: new Set(byName.keys()) };
}

function references(schema, found = new Set()) {
  if (Array.isArray(schema)) schema.forEach((item) => references(item, found));
  else if (schema && typeof schema === "object") {
    if (typeof schema.$ref === "string") found.add(schema.$ref.replace("#/$defs/", ""));
    else Object.values(schema).forEach((item) => references(item, found));
  }
  return found;
}

// Each definition after those it uses.
function sortDefs(defs) {
  const sorted = new Map();
  const visit = (name) => {
    if (sorted.has(name)) return;
    references(defs.get(name)).forEach(visit);
    sorted.set(name, defs.get(name));
  };
  [...defs.keys()].sort().forEach(visit);
  return sorted;
}

const doc = (schema, indent = "") => (schema.description ? `${indent}/** ${schema.description} */\n` : "");
const refName = (schema) => schema.$ref.replace("#/$defs/", "");

// --- Types -----------------------------------------------------------------------------------------------------------

function typeOf(schema, defs, indent = "") {
  if (schema.$ref) {
    const name = refName(schema);
    return isNamed(name, defs.get(name)) ? pascal(name) : typeOf(defs.get(name), defs, indent);
  }
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => typeOf(choice, defs, indent)).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, defs, indent)).join(" | ");
  switch (schema.type) {
    case "string": return "string";
    case "integer": return "number";
    case "boolean": return "boolean";
    case "null": return "null";
    case "array": {
      const item = schema.items ? typeOf(schema.items, defs, indent) : "unknown";
      return /[ |{]/.test(item) ? `Array<${item}>` : `${item}[]`;
    }
    case "object": return objectType(schema, defs, indent);
    default: throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

function noteOf(property, defs) {
  if (!property.$ref) return property;
  const name = refName(property);
  const def = defs.get(name);
  return silent.has(name) || isNamed(name, def) ? {} : def;
}

function objectType(schema, defs, indent) {
  const inner = indent + "  ";
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    if (property === false) return `${inner}${name}?: never;`;
    return `${doc(noteOf(property, defs), inner)}${inner}${name}${required.has(name) ? "" : "?"}: ${typeOf(property, defs, inner)};`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function typesFile({ documents, defs, names }) {
  const parts = [];
  for (const [name, def] of defs) {
    if (!isNamed(name, def) || names.has(pascal(name))) continue;
    const text = declaration(pascal(name), def, defs);
    parts.push(openObjects.has(name) ? text.replace(/\n}\n$/, "\n  [name: string]: unknown;\n}\n") : text);
  }
  for (const { name, schema } of documents) parts.push(declaration(name, schema, defs));
  return parts.join("\n");
}

function declaration(name, schema, defs) {
  const type = typeOf(schema, defs);
  const body = schema.type === "object" ? `interface ${name} ${type}` : `type ${name} = ${type};`;
  return `${doc(schema)}export ${body}\n`;
}

// --- Zod -------------------------------------------------------------------------------------------------------------

const known = {
  string: ["type", "minLength", "maxLength", "pattern", "not"],
  integer: ["type", "minimum", "maximum"],
  boolean: ["type"],
  null: ["type"],
  array: ["type", "items", "maxItems"],
  object: ["type", "required", "properties"],
};

function refuseUnknown(schema, keywords) {
  for (const key of Object.keys(schema)) {
    if (!keywords.includes(key) && !notes.has(key)) throw new Error(`unknown keyword ${key} in ${JSON.stringify(schema)}`);
  }
}

function zodOf(schema, indent = "") {
  if (schema.$ref) {
    refuseUnknown(schema, ["$ref"]);
    return refName(schema);
  }
  if ("const" in schema) return refuseUnknown(schema, ["const"]) ?? `z.literal(${JSON.stringify(schema.const)})`;
  if (schema.enum) return refuseUnknown(schema, ["enum"]) ?? `z.enum(${JSON.stringify(schema.enum)})`;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    refuseUnknown(schema, [schema.anyOf ? "anyOf" : "oneOf"]);
    return `z.union([${choices.map((choice) => zodOf(choice, indent)).join(", ")}])`;
  }
  if (Array.isArray(schema.type)) {
    const only = (type) => Object.fromEntries(Object.entries(schema).filter(([key]) => known[type].includes(key)));
    return `z.union([${schema.type.map((type) => zodOf({ ...only(type), type }, indent)).join(", ")}])`;
  }
  refuseUnknown(schema, known[schema.type] ?? []);
  switch (schema.type) {
    case "string": return zodString(schema);
    case "integer": return `z.int().min(${schema.minimum}).max(${schema.maximum})`;
    case "boolean": return "z.boolean()";
    case "null": return "z.null()";
    case "array": {
      const item = schema.items ? zodOf(schema.items, indent) : "z.unknown()";
      return `z.array(${item})${schema.maxItems === undefined ? "" : `.max(${schema.maxItems})`}`;
    }
    default: return zodObject(schema, indent);
  }
}

function zodString({ minLength, maxLength, pattern, not }) {
  if (not && (Object.keys(not).length !== 1 || not.pattern === undefined)) throw new Error("only not: {pattern} is known");
  const options = { minLength, maxLength, pattern, without: not?.pattern };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return `textRule({ ${given.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ")} })`;
}

function zodObject(schema, indent) {
  const inner = indent + "  ";
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    if (property === false) return `${inner}${name}: z.never().optional(),`;
    return `${inner}${name}: ${zodOf(property, inner)}${required.has(name) ? "" : ".optional()"},`;
  });
  return `z.looseObject({\n${lines.join("\n")}\n${indent}})`;
}

function schemasFile({ documents, defs }) {
  const parts = [
    'import { z } from "zod";',
    "",
    'import { isPortableData, textRule } from "../rules.js";',
    'import type * as types from "./types.js";',
    "",
  ];
  for (const [name, def] of defs) {
    const rule = extraRules[name] ? `.refine(${extraRules[name]}, "breaks the rules for data")` : "";
    parts.push(`const ${name} = ${zodOf(def)}${rule};`);
  }
  for (const { name, schema } of documents) {
    parts.push("", `${doc(schema)}export const ${name}Schema = ${zodOf(schema)} satisfies z.ZodType<types.${name}>;`);
  }
  parts.push("", "/** Every schema by its path in the project's `contracts/`. */", "export const schemas = {");
  for (const { path, name } of documents) parts.push(`  ${JSON.stringify(path)}: ${name}Schema,`);
  parts.push("} as const;", "");
  return parts.join("\n");
}

const header = "// Generated by generate.mjs from the schemas in /contracts. Do not edit.\n\n";
const loaded = load();
const files = { "types.ts": header + typesFile(loaded), "schemas.ts": header + schemasFile(loaded) };
const check = process.argv.includes("--check");
mkdirSync(output, { recursive: true });
for (const [name, text] of Object.entries(files)) {
  const path = join(output, name);
  if (!check) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`${name} is stale: run "npm run generate"`);
    process.exitCode = 1;
  }
}
