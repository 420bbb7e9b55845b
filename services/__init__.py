"""The services of the suite, and the chassis they stand on."""
