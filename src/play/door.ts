// What other rooms import of play: the page in the browser, and how it is served.

export { playPage } from './page.js';
export { FIRST_QUESTION, linkOfQuestion, refuseFiles } from './question.js';
