/**
 * Where a click on a notification leads, or null. `data.url` is http(s) or relative; the server sees to that, and so do we:
 * a relative one stays on this page's host, and nothing else (javascript:, data:, …) is ever followed.
 */
export function linkOf(data: { url?: unknown } | undefined, base: string): string | null {
  const url = data?.url;
  if (typeof url !== "string" || url === "") return null;
  try {
    const target = new URL(url, base);
    if (target.protocol !== "https:" && target.protocol !== "http:") return null;
    const absolute = /^https?:\/\//i.test(url.trim());
    return absolute || target.origin === new URL(base).origin ? target.href : null;
  } catch {
    return null;
  }
}
