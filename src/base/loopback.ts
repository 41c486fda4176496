// Who may use a server of this machine. A page of any site can send requests to it through the browser of whoever looks at the page.

/** True for a name by which programs of this machine alone reach it, perhaps with a port: `localhost`, `127.0.0.1:80`, `[::1]`, `::1`. */
export const isLoopback = (name: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$|^::1$/i.test(name);

/**
 * True for a request that a page of another site sends: its Origin is that site, or its Host is a name that the site points here (DNS rebinding).
 * @param headers in lower case, as they came
 */
export function isForeign({ host = '', origin }: { readonly host?: string | undefined; readonly origin?: string | undefined }): boolean {
  const from = origin === undefined ? host : URL.canParse(origin) ? new URL(origin).host : '';
  return !isLoopback(host) || !isLoopback(from);
}
