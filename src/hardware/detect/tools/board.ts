import { filesOf, type Tool } from './tool.js';

/** Board name, from the device tree of single-board computers or DMI: the only identification of a Jetson. */
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
