// What a page gets from <script src="…/carillon.js">: the elements, and the global `Carillon`.
export { addMessages, BellError, CarillonBell, CarillonInbox, createBell } from "./index.js";

declare const __VERSION__: string;
export const version: string = __VERSION__;
