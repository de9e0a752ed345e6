/** Small line drawings, made for this page. They are decoration: a text beside each one has its meaning. */

const PATHS = {
  hash: "M6.500 3 5 17M15 3l-1.500 14M3.500 7.500h14M2.500 12.500h14",
  eye: "M2 10s3-5.500 8-5.500 8 5.500 8 5.500-3 5.500-8 5.500S2 10 2 10zM10 12.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  bolt: "M11 2.500 4.500 11.500H10l-1 6 6.500-9H10z",
  more: "M4.500 10h.01M10 10h.01M15.500 10h.01",
  close: "M5 5l10 10M15 5 5 15",
  send: "M3 10 17 3.500 13 17l-3.500-5.500zM9.500 11.500 17 3.500",
  copy: "M7 7h9v9H7zM4 13V4h9",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9",
  flame: "M10 2.500c4 3.500 5 6 5 8.500a5 5 0 0 1-10 0c0-1.500.6-2.700 1.700-4 .4 1.200 1 1.800 1.800 2C8.300 6.500 8.700 4.500 10 2.500z",
  home: "M3.500 9.500 10 4l6.500 5.500V17h-13z",
  chat: "M3 4.500h14v9.500H9l-4 3v-3H3z",
  gauge: "M3 14a7 7 0 1 1 14 0M10 14l3.500-4.500",
  chevron: "M6 8l4 4 4-4",
  plus: "M10 4v12M4 10h12",
  globe: "M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15zM2.500 10h15M10 2.500c2.500 2.500 3 5 3 7.500s-.5 5-3 7.500c-2.500-2.500-3-5-3-7.500s.5-5 3-7.500z",
  clock: "M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15zM10 5.500V10l3 2",
  gear: "M10 12.800a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600zM10 2.500v2M10 15.500v2M2.500 10h2M15.500 10h2M4.700 4.700l1.400 1.400M13.900 13.900l1.400 1.400M15.300 4.700l-1.400 1.400M6.100 13.900l-1.400 1.400",
  alert: "M10 3 18 16.500H2zM10 8v4M10 14.200h.01",
};
const SVG = "http://www.w3.org/2000/svg";

export function icon(name, kind = "icon") {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 20 20");
  drawing.setAttribute("class", kind);
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}
