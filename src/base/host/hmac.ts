import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seal over parts by a shared key, hex (HMAC, RFC 2104, over SHA-256). Lengths precede parts: no two lists collide. */
export function hmacOf(key: Uint8Array, parts: readonly (string | Uint8Array)[]): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part);
  return hmac.digest('hex');
}

/** True for equal texts, in constant time. */
export function sameSecret(text: string, other: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
