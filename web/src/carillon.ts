// What /carillon.js leaves in the page, as in anybody's page that has it.
import type * as Elements from "@carillon/elements";

declare const Carillon: typeof Elements & { readonly version: string };

/** Only there when the document is: the script of the page runs before it. */
export const carillon = (): typeof Carillon => Carillon;

export type { Bell, BellState, ConnectionState } from "@carillon/elements";
