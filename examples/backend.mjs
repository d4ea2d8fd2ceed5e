// What both examples need of a back end: a token for whoever is signed in (here: one user), and somebody who rings.
import { createHmac, randomUUID } from "node:crypto";

export const carillonUrl = process.env.CARILLON_URL ?? "http://localhost:3000";
const secret = process.env.CARILLON_JWT_SECRET ?? "change me: thirty-two bytes or more of noise";
const user = process.env.EXAMPLE_USER ?? "0190a5f4-7c3b-7def-8123-456789abcdef";

/** A JWT as Carillon takes it: HS256 with the secret that both share. */
export function sign(sub, permissions, seconds = 3600) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(Date.now() / 1000);
  const claims = { sub, iss: "carillon", aud: "carillon", iat, exp: iat + seconds, jti: randomUUID(), permissions };
  const body = `${part({ alg: "HS256", typ: "at+jwt" })}.${part(claims)}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

const samples = [
  { type: "mention", title: "Linh mentioned you", body: "“Can you look at the release notes before we ship?”", data: { url: "#notes" } },
  { type: "order", title: "Your order is on its way", body: "Parcel 4 of 4 left the depot and arrives tomorrow before noon." },
  { type: "build", title: "The nightly build is green", body: "All checks passed." },
];
let rung = 0;

/** Answers GET /bell-token and POST /ring; returns false for anything else. */
export async function answer(request, response) {
  if (request.method === "GET" && request.url === "/bell-token") {
    response.setHeader("cache-control", "no-store");
    response.end(sign(user, ["notification:read", "notification:update"]));
    return true;
  }
  if (request.method === "POST" && request.url === "/ring") {
    const created = await fetch(`${carillonUrl}/notifications`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${sign(randomUUID(), ["notification:create"], 60)}`,
        "content-type": "application/json",
        "idempotency-key": randomUUID(),
      },
      body: JSON.stringify({ userId: user, ...samples[rung++ % samples.length] }),
    }).catch(() => ({ status: 502 }));
    response.statusCode = created.status;
    response.end();
    return true;
  }
  return false;
}
