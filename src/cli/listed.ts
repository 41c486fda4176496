// Lists with commas in which a choice may have parameters of its own: `lru,s3-fifo:small=0.2,ghost=1,belady`.

/**
 * The parts of a list: a part that is a parameter, `name=value`, belongs to the choice before it, where that has a colon. Blanks around
 * parts do not count.
 */
export function listed(text: string): string[] {
  const parts: string[] = [];
  for (const part of text.split(',').map((one) => one.trim())) {
    const more = /^[A-Za-z]\w*=/.test(part) && parts.at(-1)?.includes(':') === true;
    if (more) parts.push(`${parts.pop()},${part}`);
    else parts.push(part);
  }
  return parts;
}
