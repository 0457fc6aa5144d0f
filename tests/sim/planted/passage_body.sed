# Each part of a lorry is a vehicle.
s/#define LENGTH_MAX_NS .*/#define LENGTH_MAX_NS (PASSAGE_S \/ 100)/
