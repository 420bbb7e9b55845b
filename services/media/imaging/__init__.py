"""Shop logos and favicons, made from files that nobody vouches for (ME1, ME2, ME3, ME6).

`decoder.Decoder` takes the bytes of an import and gives a PNG of fixed size back, or says why not
(`errors.Refused`: which rule the file breaks, and its limit) or that none can be done now
(`errors.Exhausted`). The format is read from the content alone (`signatures`). The decoding happens in a
process of its own (`process`, `worker`), spawned with an empty environment, rid of every right before it sees
a byte (`confine`), used for one file and killed at the deadline. In there, readers of our own cut the file
down to what draws its first picture (`formats`), which is where truncation, pixels and JPEG scans are
checked; then Pillow opens it with the one plugin of its format, and the picture is brought to sRGB (`colour`)
and fitted (`canvas`). Only pixels come back; the service writes the PNG itself (`output`), of the chunks IHDR,
sRGB, IDAT and IEND. Decided: an image is always scaled to fit, small ones up, since the platform promises a
logo "resized automatically to 312 x 104", with its proportions kept and transparent margins; a favicon is
64 x 64. An embedded ICC profile is followed with the perceptual intent when LittleCMS accepts it and it fits
the pixels, and is otherwise ignored; CMYK without one is converted by Pillow's formula, CIE Lab by LittleCMS.
PNG's gAMA, cHRM and cICP are not followed. Variants that would bring in another format (multi-picture JPEG,
BigTIFF, TIFF with WebP, Zstandard and the like) are refused, as is a file that lacks its end, even if its
picture could be guessed.
"""
