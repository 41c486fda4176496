// A thread that measures: it prepares, reports that it is ready, and works between two given times.
import { parentPort, workerData } from '../../base/host/threads.js';
import { type Task, workBetween, workOf } from './task.js';

const port = parentPort;
if (port === null) throw new Error('measure-worker.js runs in a worker thread only');
const work = workOf((workerData as { readonly task: Task }).task);
port.on('message', ({ begin, end }: { readonly begin: number; readonly end: number }) => port.postMessage(workBetween(work, begin, end)));
port.postMessage('ready');
