// A button below each command that copies it. Where the browser grants no clipboard, as to some pages of files, the text is selected instead.
for (const block of document.querySelectorAll('pre.copy')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    getSelection().selectAllChildren(block);
    const copied = await navigator.clipboard?.writeText(block.textContent).then(
      () => true,
      () => false,
    );
    button.textContent = (copied ?? document.execCommand('copy')) ? 'Copied' : 'Selected';
  });
  block.after(button);
}
