import { defineConfig } from "vite";
import { answer, carillonUrl } from "../backend.mjs";

/** Both in development and in the preview of what was built, the back end of the examples answers first. */
const backend = {
  name: "example-backend",
  configureServer: ({ middlewares }) => void middlewares.use(async (request, response, next) => (await answer(request, response)) || next()),
  configurePreviewServer: ({ middlewares }) => void middlewares.use(async (request, response, next) => (await answer(request, response)) || next()),
};

export default defineConfig({
  plugins: [backend],
  // React's own JSX transform; @vitejs/plugin-react adds fast refresh, if you want it.
  esbuild: { jsx: "automatic" },
  define: { "import.meta.env.CARILLON_URL": JSON.stringify(carillonUrl) },
});
