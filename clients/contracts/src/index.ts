export * from "./types.js";
export * from "./generated/schemas.js";
