import { filesOf, type Tool } from './tool.js';

/** The name of the board, from the device tree of single-board computers or DMI. Nothing else identifies a Jetson. */
export const board: Tool = {
  name: 'board',
  question: { kind: 'files', paths: ['/proc/device-tree/model', '/sys/class/dmi/id/product_name'] },
  tells: 'the name of the board',
  missing: () => false,
  read: (answer) => {
    const [name] = [...filesOf(answer).values()].map((text) => text.replace(/\0/g, '').trim()).filter((text) => text !== '');
    return name === undefined ? {} : { board: name };
  },
};
