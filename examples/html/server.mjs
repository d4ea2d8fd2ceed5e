// Serves the page, under a policy that forbids inline scripts and styles. node examples/html/server.mjs
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { answer, carillonUrl } from "../backend.mjs";

const policy = `default-src 'self'; script-src 'self' ${carillonUrl}; connect-src 'self' ${carillonUrl} ${carillonUrl.replace(/^http/, "ws")}`;
const files = { "/": ["index.html", "text/html"], "/app.js": ["app.js", "text/javascript"], "/styles.css": ["styles.css", "text/css"] };

const server = createServer(async (request, response) => {
  if (await answer(request, response)) return;
  const [file, type] = files[request.url] ?? [];
  if (file === undefined) return response.writeHead(404).end();
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  response.writeHead(200, { "content-type": `${type}; charset=utf-8`, "content-security-policy": policy });
  response.end(text.replaceAll("http://localhost:3000", carillonUrl));
}).listen(process.env.PORT ?? 8080, () => console.log(`http://localhost:${server.address().port}`));
