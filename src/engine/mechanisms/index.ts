import { BALANCE } from './balance.js';
import { BYPASSES } from './bypasses.js';
import { COPIES } from './copies.js';
import { DEFERRAL } from './deferral.js';
import { FAULTS } from './faults.js';
import { GATE } from './gate.js';
import type { Mechanism } from './mechanism.js';
import { ON_CPU } from './on-cpu.js';
import { OP_OFFLOAD } from './op-offload.js';
import { PROMOTIONS } from './promotions.js';
import { REQUEST_CLASSES } from './request-classes.js';
import { RERANK } from './rerank.js';
import { SKIP } from './skip.js';
import { STAGING } from './staging.js';
import { STAND_INS } from './stand-ins.js';
import { WRITE_BACK } from './write-back.js';

/** Mechanisms in the order of their hooks; later ones wrap a service. */
export const MECHANISMS: readonly Mechanism[] = [
  RERANK,
  FAULTS,
  GATE,
  BYPASSES,
  REQUEST_CLASSES,
  STAND_INS,
  ON_CPU,
  DEFERRAL,
  OP_OFFLOAD,
  SKIP,
  COPIES,
  STAGING,
  WRITE_BACK,
  PROMOTIONS,
  BALANCE,
];
