// The library of the curves, loaded once a page. A URL of the server is relative to the page's own, also behind a proxy.
const pathOf = (url) => new URL(url, location.origin + location.pathname.replace(/[^/]*$/, "")).href;
let library = null;
const loadUplot = (url) => (library ??= import(pathOf(url)).then((module) => module.default, () => (library = null)));
