// Importing this defines <carillon-bell> and <carillon-inbox>, where there are custom elements to define.
import { CarillonBell } from "./bell_element.js";
import { CarillonInbox } from "./inbox_element.js";

export { CarillonBell, CarillonInbox };
export type { OpenDetail } from "./inbox_element.js";
export { addMessages, type Messages } from "./messages.js";
export { createBell, BellError } from "@carillon/client";
export type * from "@carillon/client";

if (typeof customElements !== "undefined") {
  if (!customElements.get("carillon-inbox")) customElements.define("carillon-inbox", CarillonInbox);
  if (!customElements.get("carillon-bell")) customElements.define("carillon-bell", CarillonBell);
}
