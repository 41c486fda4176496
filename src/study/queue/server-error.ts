import { codeOf, messageOf, UserError } from '../../base/errors.js';
import type { QueueAddress } from './address.js';

/** Errors of a server or of the network by code or text, and remedies. */
const REMEDIES: readonly (readonly [cause: RegExp, remedy: string])[] = [
  [/ECONNREFUSED/i, 'nobody listens there; start a server (apt-get install valkey-server), or give its address'],
  [/ENOTFOUND|EAI_AGAIN/i, 'there is no such host'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i, 'does not answer; is the address right, and may this machine reach it?'],
  [
    /WRONGPASS|invalid (username-)?password|invalid username/i,
    'does not let in this user with this password; give both in the address, or the password in MOEPROF_QUEUE_PASSWORD',
  ],
  [/NOAUTH/i, 'asks for a password; give it in the address, or in MOEPROF_QUEUE_PASSWORD'],
  [/without any password configured/i, 'asks for no password; leave it out'],
  [/NOPERM/i, 'does not let this user do what a queue needs: ~moeprof:* +@all -@admin -@dangerous +info'],
  [/DB index/i, 'has no database of this number; 0 is always there'],
  [/ALTNAME/i, 'shows a certificate of another name; write the host as the certificate has it'],
  [/CERT_HAS_EXPIRED|certificate has expired/i, 'shows a certificate that has expired; the server needs a new one'],
  [
    /self.signed|SELF_SIGNED|UNABLE_TO_VERIFY|unable to (get|verify)|CERT_/i,
    'shows a certificate that is not trusted here; NODE_EXTRA_CA_CERTS=ca.pem names who signed it',
  ],
  [/ERR_SSL|EPROTO|wrong version number/i, 'does not speak TLS there; write redis://'],
  [/ECONNRESET|Connection is closed|EPIPE/i, 'ends the connection; with TLS, write rediss://'],
  [/\bOOM\b/i, 'has no memory left; raise its maxmemory'],
  [/MISCONF|READONLY/i, 'takes nothing: its disk is full, or it is a replica'],
];

/** The error itself, or a server's refusal in one line. */
export const orServerError = (address: QueueAddress, error: unknown): unknown =>
  error instanceof Error && error.name === 'ReplyError' ? serverError(address, error) : error;

/** A server error in one line. */
export function serverError({ shown }: Pick<QueueAddress, 'shown'>, error: unknown): UserError {
  const text = `${codeOf(error) ?? ''} ${messageOf(error)}`;
  const remedy = REMEDIES.find(([cause]) => cause.test(text))?.[1];
  return new UserError(`--queue ${shown}: ${remedy ?? messageOf(error).replace(/\s+/g, ' ')}`);
}
