// The browser half of the viewer: plain WebGL2, no library, no request. Python joins these
// files in this order, so each may use what stands above it.
//
// blocks      bytes from Python -> header and typed arrays
// meshes      triangles cut along parcel borders, so that a parcel ends at a crisp line
// contours    network borders as smooth polylines, drawn as capsules of constant pixel width
// anatomy     everything about a surface that does not depend on WebGL
// cameras, shaders, painter   four views of it, drawn
// quick_painter               the same in a quarter of the time while only the map changes
// colour_bar, print           what stands beneath, and both as a PNG
// canvas, pointer             one picture: its data and camera; what is under the pointer
// controls, viewer            the tool bar, mouse and keyboard
// finder, saved_views         a region by its name; a view under a name
// pair                        two brains and their difference, linked
// ribbon, course, player      words running by, a time course, and a story played over both

const TYPES = { i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, f4: Float32Array }
const NO_DATA = -32768
const SURFACES = ["inflated", "pial", "flat"]
const SURFACE_TITLES = { inflated: "Inflated", pial: "Pial", flat: "Flat" }
const HIGHLIGHT = [0.0, 0.62, 0.35]
const CONTOUR = [0.13, 0.13, 0.16]
const TWO_ROWS_BELOW = 900
const PRINT_MM = 180
const PRINT_DPI = 300
