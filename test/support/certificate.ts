// A key and a certificate of this machine, made for one test: servers of tests speak TLS without a secret in the repository.
import { generateKeyPairSync, sign } from 'node:crypto';

/** A value of DER: its tag, its length, and its content. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const long = body.length < 128 ? [] : body.length < 256 ? [body.length] : [body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, long.length === 0 ? body.length : 128 + long.length, ...long]), body]);
}

const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
const oid = (digits: string): Buffer => der(0x06, hex(digits));
const time = (text: string): Buffer => der(0x18, Buffer.from(text));

/** @returns PEM of a key and of its self-signed certificate for `localhost` and `127.0.0.1`, which is its own authority */
export function certificate(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('localhost')))));
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const authority = sequence(der(0x01, Buffer.from([255])));
  const extensions = sequence(
    sequence(oid('551d11'), der(0x04, names)),
    sequence(oid('551d13'), der(0x01, Buffer.from([255])), der(0x04, authority)),
  );
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(time('20200101000000Z'), time('29991231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', signed, privateKey);
  const cert = sequence(signed, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature)).toString('base64');
  const pem = `-----BEGIN CERTIFICATE-----\n${cert.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem };
}
