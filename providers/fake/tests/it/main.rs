mod bench;
mod conforms;
mod spoilt;
mod world;
