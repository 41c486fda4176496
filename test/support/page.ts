// Reads back what an HTML report carries.

/** The data embedded in a page, for scripts. */
export function pageData(text: string): unknown {
  return JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(text)![1]!);
}
