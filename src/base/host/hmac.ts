// Seals by a shared key (HMAC, RFC 2104, over SHA-256), and their comparison.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** A seal over parts, in hex. Each part is preceded by its length, so that no two lists of parts look alike. */
export function hmacOf(key: Uint8Array, parts: readonly (string | Uint8Array)[]): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part);
  return hmac.digest('hex');
}

/** True for equal texts, in a time that does not depend on their difference. */
export function sameSecret(text: string, other: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
