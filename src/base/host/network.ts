import net from 'node:net';

/** IP version of an address, 4 or 6; 0 for a name. */
export const isIP: (host: string) => number = net.isIP;

/** Same bytes as a Node buffer. */
export const wireBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
