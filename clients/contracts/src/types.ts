export type * from "./generated/types.js";
export type * from "./events.js";
