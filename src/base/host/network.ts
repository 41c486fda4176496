import net from 'node:net';

/** 4 or 6 for a number of this version of the internet protocol; 0 for a name. */
export const isIP: (host: string) => number = net.isIP;

/** The same bytes, as the library that speaks to a server takes them. */
export const wireBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
